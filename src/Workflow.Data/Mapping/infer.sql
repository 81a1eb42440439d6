-- What the values of a column have in common; and whether some whole number may be too large for a bigint.
select json_group_structure({column}::json), coalesce(bool_or(regexp_matches({column}, '[0-9]{19,}')), false) from json_values
