-- For this transaction only: room to join and sort a million rows, and one text form of times for columns that become text.
set local work_mem = '128MB';
set local datestyle = 'ISO, YMD';
set local timezone = 'UTC';
