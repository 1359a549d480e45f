-- What a name is sorted by: as people read, alike on both databases. It is made by the program (`stoa_domain::name::sorted_as`),
-- which fills it in for what is there already in the same transaction.
ALTER TABLE accounts ADD COLUMN sorted_as TEXT{C} NOT NULL DEFAULT '';
ALTER TABLE workspaces ADD COLUMN sorted_as TEXT{C} NOT NULL DEFAULT '';
ALTER TABLE servers ADD COLUMN sorted_as TEXT{C} NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN sorted_as TEXT{C} NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN sorted_as TEXT{C} NOT NULL DEFAULT '';
ALTER TABLE presets ADD COLUMN sorted_as TEXT{C} NOT NULL DEFAULT '';
