-- The records of the items that there are already, as lines that come from no file.
insert into lines
select null, null, custody, domain, operation, load,
       coalesce(
           case domain
               when '99' then printf('%03d%03d', (record ->> 'quantidade_parcelas')::int, (record ->> 'quantidade_movimentos_financeiros')::int)
               when '01' then (record ->> 'custodia') || (record ->> 'id_operacao') || (record ->> 'data_contratacao')
               when '02' then (record ->> 'custodia') || (record ->> 'id_operacao') || (record ->> 'meio_recebimento_valor')
               when '03' then (record ->> 'custodia') || (record ->> 'id_operacao') || (record ->> 'numero_plano') || (record ->> 'data_vencimento_parcela')
               when '04' then (record ->> 'custodia') || (record ->> 'id_operacao') || (record ->> 'id_evento') || (record ->> 'data_evento')
           end,
           error('the item of domain ' || domain || ' of operation ' || operation || ' and load ' || load || ' holds a record that lacks a field: others have written it'))
from (
    select *, unnest(case when domain in ('03', '04') then from_json(data, '["JSON"]') else [data::json] end) as record
    from stored
)
