"""Records at rest: JSON lines and documents, CSV, Parquet, Avro; folders and globs of them.

Each reader turns one part of a file into chunks of JSON texts (`runtime.record_source`) and holds no more than a chunk
and a record. What is wrong with one record is left to the judge, or named with a reason code; what ends the reading of
a file is a fault that names the file.

The libraries for Parquet and Avro are extras and are imported when such a file is read, not before.
"""
