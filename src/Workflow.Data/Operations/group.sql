-- A part of the operations at a time, so that memory holds what is sorted.
-- Exact duplicates once: the first that came. What comes from no file was there before.
create or replace table part as
select *,
       row_number() over (partition by custody, domain, operation, load order by source nulls first, line) as nth,
       count(source) over (partition by custody, domain, operation, load, said(domain, body)) as times
from lines
where hash(custody, operation, load) % {parts} = {part}
qualify row_number() over (partition by custody, domain, operation, load, said(domain, body) order by source nulls first, line) = 1;

create or replace table received as
select custody, operation, load,
       count(*) filter (domain = '03') as instalments,
       count(*) filter (domain = '04') as movements
from part
group by all;

insert into records by name
select part.*, instalments, movements
from part join received using (custody, operation, load);

-- The bodies begin with custody (2) and operation (9); what follows is the domain's own.
insert into items
select custody, domain, 'METADATA' as name, operation, load,
       json_object(
           'codigo_identificacao_carga', load,
           'quantidade_parcelas', body[1:3]::int,
           'quantidade_movimentos_financeiros', body[4:6]::int,
           'quantidade_parcelas_recebidas', instalments)::varchar as data
from part
join received using (custody, operation, load)
where domain = '99' and nth = 1
union all
select custody, domain, 'OPERACAO', operation, load,
       json_object(
           'custodia', body[1:2],
           'id_operacao', body[3:11],
           'data_contratacao', body[12:21],
           'codigo_identificacao_carga', load)::varchar
from part
where domain = '01' and nth = 1
union all
select custody, domain, 'ORIGINACAO', operation, load,
       json_object(
           'custodia', body[1:2],
           'id_operacao', body[3:11],
           'meio_recebimento_valor', rtrim(body[12:23]),
           'codigo_identificacao_carga', load)::varchar
from part
where domain = '02' and nth = 1
union all
select custody, domain, 'PARCELA', operation, load,
       to_json(list({
           'custodia': body[1:2],
           'id_operacao': body[3:11],
           'numero_plano': body[12:13],
           'numero_parcela': body[12:13],
           'data_vencimento_parcela': body[14:23],
           'codigo_identificacao_carga': load}
           order by body[12:13], body[14:23], body))::varchar
from part
where domain = '03'
group by custody, domain, operation, load
union all
select custody, domain, 'MOVIMENTO_FINANCEIRO', operation, load,
       to_json(list({
           'custodia': body[1:2],
           'id_operacao': body[3:11],
           'id_evento': body[12:14],
           'data_evento': body[15:24],
           'codigo_identificacao_carga': load}
           order by body[15:24] desc, body[12:14], body))::varchar
from part
where domain = '04'
group by custody, domain, operation, load;
