-- Exact duplicates once: the first that came.
create table records as
select *, row_number() over (partition by custody, domain, operation, load order by source, line) as nth
from lines
qualify row_number() over (partition by custody, domain, operation, load, body order by source, line) = 1;

create table received as
select custody, operation, load,
       count(*) filter (domain = '03') as instalments,
       count(*) filter (domain = '04') as movements
from records
group by all;

-- The bodies begin with custody (2) and operation (9); what follows is the domain's own.
create table items as
select custody, domain, 'METADATA' as name, operation, load, 1 as rows,
       json_object(
           'codigo_identificacao_carga', load,
           'quantidade_parcelas', body[1:3]::int,
           'quantidade_movimentos_financeiros', body[4:6]::int,
           'quantidade_parcelas_recebidas', instalments)::varchar as data
from records
join received using (custody, operation, load)
where domain = '99' and nth = 1
union all
select custody, domain, 'OPERACAO', operation, load, 1,
       json_object(
           'custodia', body[1:2],
           'id_operacao', body[3:11],
           'data_contratacao', body[12:21],
           'codigo_identificacao_carga', load)::varchar
from records
where domain = '01' and nth = 1
union all
select custody, domain, 'ORIGINACAO', operation, load, 1,
       json_object(
           'custodia', body[1:2],
           'id_operacao', body[3:11],
           'meio_recebimento_valor', rtrim(body[12:23]),
           'codigo_identificacao_carga', load)::varchar
from records
where domain = '02' and nth = 1
union all
select custody, domain, 'PARCELA', operation, load, count(*),
       to_json(list({
           'custodia': body[1:2],
           'id_operacao': body[3:11],
           'numero_plano': body[12:13],
           'numero_parcela': body[12:13],
           'data_vencimento_parcela': body[14:23],
           'codigo_identificacao_carga': load}
           order by body[12:13], body[14:23], nth))::varchar
from records
where domain = '03'
group by custody, domain, operation, load
union all
select custody, domain, 'MOVIMENTO_FINANCEIRO', operation, load, count(*),
       to_json(list({
           'custodia': body[1:2],
           'id_operacao': body[3:11],
           'id_evento': body[12:14],
           'data_evento': body[15:24],
           'codigo_identificacao_carga': load}
           order by body[15:24] desc, body[12:14], nth))::varchar
from records
where domain = '04'
group by custody, domain, operation, load;
