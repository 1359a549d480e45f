-- Names are sorted with the numbers in them by their size: the program fills `sorted_as` in anew for what is there already,
-- in the same transaction.
UPDATE accounts SET sorted_as = '';
