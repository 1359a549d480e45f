-- The backup that an instance was made of. It may be deleted before the instance is.
ALTER TABLE instances ADD COLUMN made_of UUID;
