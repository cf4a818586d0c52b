"""One file for each form of the tables. A file that was released is never changed; another one follows it."""
