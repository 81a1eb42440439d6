-- What the files have no part in stays as it is; of their operations the metadata count anew.
delete from items using stored
where items.domain <> '99'
  and (items.custody, items.domain, items.operation, items.load) = (stored.custody, stored.domain, stored.operation, stored.load)
  and not exists (
      from records
      where times > 0
        and (records.custody, records.domain, records.operation, records.load) = (items.custody, items.domain, items.operation, items.load))
