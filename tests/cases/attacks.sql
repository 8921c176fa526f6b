# Queries that try to learn something about hidden rows, one on each line. Without a policy each of them fails, or tells a value of
# Paris. Their table is `orders`: id, city, secret (a number as text in Berlin, and a text elsewhere), amount (0 in some rows of Paris).
# Casts and divisions that fail on hidden rows only.
select * from orders where cast(secret as int) > 0
select cast(secret as int) from orders
select sum(cast(secret as bigint)) from orders
select * from orders where 10 / amount > 0
select 10 % amount from orders
select * from orders where case when city = 'Paris' then cast(secret as int) > 0 else true end
select * from orders where city = 'Paris' and cast(secret as int) > 0
select * from orders where cast(secret as int) > 0 and city = 'Paris'
select * from orders where cast(secret as int) > 0 or 10 / amount > 0
select * from orders order by cast(secret as int) limit 3
select * from orders where exists (select 1 from orders o where cast(o.secret as int) = orders.id)
select (select max(cast(o.secret as int)) from orders o where o.id <= orders.id) from orders
select * from orders a join orders b on cast(a.secret as int) = cast(b.secret as int)
select * from orders a join orders b on a.id = b.id and 10 / a.amount > 0
select * from orders a left join orders b on a.id = b.id and cast(b.secret as int) > 0
select max(cast(secret as int)) over (order by id) from orders
select count(*) filter (where cast(secret as int) > 0) from orders
select max(secret) from orders group by cast(secret as int)
select city from orders group by city having max(cast(secret as int)) > 0
select * from (select * from orders limit 1000) where cast(secret as int) > 0
select * from (select cast(secret as int) s from orders) where s > 0
select to_date(secret, 'DDD') from orders where id < 100 and id > 1
select repeat(secret, 2) from orders
select regexp_replace(secret, '^(CAN).*$', '\1') from orders
# Names.
select * from datafusion.public.orders
select * from public.orders
select * from "orders"
select * from "ORDERS"
select * from "orders "
select * from оrders
select * from "or​ders"
select * from "orders"""
select * from /* orders */ orders -- where city = 'Paris'
with orders as (select * from orders) select * from orders
with o as (select * from datafusion.public.orders) select * from o
with "datafusion.public.orders" as (select 1) select * from "datafusion.public.orders"
with recursive orders as (select * from orders union all select * from orders) select * from orders
select * from 'orders/0.parquet'
select * from "vitrine://table-6f7264657273/orders/0.parquet"
select orders from orders
select orders.* from orders
# Plans, settings, statistics.
explain select * from orders
explain analyze select * from orders where secret like 'CANARY%'
show all
describe orders
select max(secret), min(secret), count(*) from orders
select count(*), count(secret), count(distinct city) from orders
select max(id), min(id), max(amount), min(amount) from orders
select approx_distinct(secret), string_agg(secret, ',' order by id), array_agg(secret order by id) from orders
select first_value(secret order by id desc) from orders
select input_file_name() from orders
# Predicates that could be pushed down.
select * from orders where secret like 'CANARY%'
select * from orders where secret ~ 'CANARY'
select * from orders where secret similar to 'CANARY.*'
select * from orders where city = 'Paris' or true
select * from orders where city in ('Paris', 'Berlin')
select * from orders where not (city = 'Berlin')
select * from orders where city <> 'Berlin' or city is null
select * from orders where city between 'P' and 'Q'
select * from orders where id in (select id from orders where city = 'Paris')
select * from orders where id not in (select id from orders)
select * from orders where id = any(select id from orders where amount = 0)
select * from orders union all select * from orders
select * from orders intersect select * from orders
select * from orders except select * from orders where city = 'Berlin'
select * from orders cross join orders b where b.city = 'Paris'
select * from orders full join (select 1 as one) on city = 'Paris'
select * from orders, lateral (select secret s from orders o where o.id = orders.id + 1) x
select * from orders order by secret desc limit 5
select * from orders order by amount limit 5 offset 0
select * from orders where secret > 'C' order by secret desc limit 1
