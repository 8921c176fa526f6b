create table customers as
select i as id, 'Customer ' || i as name, ['gold', 'silver', 'bronze'][1 + i % 3] as tier,
  date '2020-01-01' + (i * 17 % 900)::int as since, case when i % 7 = 0 then null else 'c' || i || '@example.com' end as email
from range(1, 61) t(i);

create table orders as
select i as id, 1 + i * 31 % 70 as customer_id, ['Berlin', 'Paris', 'Oslo', 'São Paulo', 'Ålesund'][1 + (i * 7 + i // 11) % 5] as city,
  case when i % 13 = 0 then null else (i * 37 % 1000) / 8 end as amount,
  ((i * 7919 % 100000) / 100)::decimal(12, 2) as price, (i * 3 % 9)::bigint as quantity,
  timestamp '2022-01-01 00:00:00' + to_seconds(i * 78901 % 94608000) as created_at,
  date '2022-01-01' + (i * 5 % 1095)::int as day, case when i % 10 = 0 then null else i % 3 = 0 end as paid,
  case when i % 4 = 0 then null else ['alpha', 'beta_b', 'Gamma%', 'delta'][1 + i % 4] || '-' || i % 17 end as note,
  '{"source":"' || ['web', 'app'][1 + i % 2] || '","tags":["t' || i % 3 || '","x"],"score":' || i % 11 || ',"deep":{"a":[' || i % 5 || ']}}' as meta
from range(1, 2001) t(i);
