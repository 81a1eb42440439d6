insert into customers (id, name, email, credit)
values ($1, $2, $3, $4)
on conflict (id) do update set name = excluded.name, email = excluded.email, credit = excluded.credit
