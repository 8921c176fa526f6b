-- Aggregates and groups.
select count(*) from orders
select count(*), count(amount), count(distinct city) from orders
select city, count(*) from orders group by city
select city, count(*) as n from orders group by all order by n desc, city
select city, sum(quantity), avg(amount), min(price), max(price) from orders group by 1 order by 1
select city, sum(price) from orders group by city having sum(price) > 100 order by city
select date_trunc('month', created_at) as month, count(*) from orders group by 1 order by 1
select date_trunc('year', day), sum(price) from orders group by 1 order by 1
select date_trunc('week', day), count(*) from orders group by 1 order by 1
select date_trunc('quarter', created_at), count(*) from orders group by 1 order by 1
select count(*) filter (where paid), count(*) filter (where not paid), count(*) filter (where paid is null) from orders
select sum(case when paid then 1 else 0 end) from orders
select city, tier, count(*) from orders join customers on customer_id = customers.id group by 1, 2 order by 1, 2
select median(amount), stddev(amount), variance(amount), stddev_pop(amount) from orders
select var_samp(amount), var_pop(amount), stddev_samp(quantity) from orders
select quantile_cont(amount, 0.5), quantile_cont(amount, 0.9) from orders
select percentile_cont(0.25) within group (order by amount) from orders
select corr(quantity, amount), covar_pop(quantity, amount), covar_samp(quantity, amount) from orders
select regr_slope(amount, quantity), regr_intercept(amount, quantity) from orders
select bool_and(paid), bool_or(paid) from orders
select bit_and(quantity), bit_or(quantity), bit_xor(quantity) from orders
select string_agg(city, ',' order by id) from orders where id < 10
select string_agg(distinct city, ',' order by city) from orders
select array_agg(id order by id) from orders where id < 6
select list(id order by id desc) from orders where id < 6
select arg_max(city, price), arg_min(city, price) from orders where id < 500
select max_by(note, id), min_by(note, id) from orders
select arg_max(id, amount) filter (where city = 'Oslo') from orders where id < 100
select first(city order by id), last(city order by id) from orders
select approx_count_distinct(city) from orders
select count_if(amount > 50) from orders
select city, grouping(city), count(*) from orders group by grouping sets ((city), ()) order by 1 nulls last
select city, paid, count(*) from orders group by rollup (city, paid) order by 1 nulls last, 2 nulls last, 3
select city, paid, count(*) from orders group by cube (city, paid) order by 1 nulls last, 2 nulls last, 3
select sum(distinct quantity), avg(distinct quantity) from orders
select mode(case when quantity < 5 then 1 else quantity end), mode(note) filter (where id < 0) from orders
select histogram(quantity) from orders
select any_value(tier) from customers where tier = 'gold'
select product(quantity) from orders where id < 5
-- Windows.
select id, row_number() over (partition by city order by id) from orders where id < 30 order by id
select id, rank() over (order by quantity), dense_rank() over (order by quantity) from orders where id < 30 order by id
select id, lag(id) over (order by id), lead(id, 2, -1) over (order by id) from orders where id < 10 order by id
select id, sum(quantity) over (order by id rows between 2 preceding and current row) from orders where id < 20 order by id
select id, first_value(id) over w, last_value(id) over w from orders where id < 20 window w as (partition by city order by id rows between unbounded preceding and unbounded following) order by id
select id, ntile(4) over (order by id), percent_rank() over (order by id), cume_dist() over (order by id) from orders where id < 12 order by id
select id, nth_value(city, 2) over (order by id rows between unbounded preceding and unbounded following) from orders where id < 5 order by id
select city, id from orders where id < 100 qualify row_number() over (partition by city order by price desc, id) = 1 order by city
select city, sum(price) as s, sum(sum(price)) over () from orders group by city order by city
select id, avg(amount) over (order by day range between interval 30 days preceding and current row) from orders where id < 40 order by id
select id, count(*) filter (where paid) over (order by id) from orders where id < 15 order by id
-- Joins, sets, sub-queries.
select count(*) from orders o left join customers c on o.customer_id = c.id where c.id is null
select count(*) from customers c left join orders o on o.customer_id = c.id where o.id is null
select count(*) from orders o full join customers c on o.customer_id = c.id
select count(*) from orders o semi join customers c on o.customer_id = c.id
select count(*) from orders o anti join customers c on o.customer_id = c.id
select count(*) from orders o, customers c where o.customer_id = c.id and c.tier = 'gold'
select count(*) from orders natural join (select 1 as id)
select name from customers where id in (select customer_id from orders where price > 990) order by name
select name from customers c where exists (select 1 from orders o where o.customer_id = c.id and o.price > 995) order by name
select name, (select count(*) from orders o where o.customer_id = c.id) from customers c order by name limit 5
select id from orders where price > (select avg(price) * 1.9 from orders) order by id
select city from orders where id < 50 union select city from orders where id > 1950 order by 1
select city from orders where id < 5 union all select tier from customers where id < 3 order by 1
select city from orders intersect select 'Oslo' order by 1
select distinct city from orders except select 'Oslo' order by 1
with a as (select city, count(*) n from orders group by 1), b as (select max(n) m from a) select city from a, b where n = m order by 1
select * from (values (1, 'a'), (2, 'b')) t(x, y) order by x
select distinct on (city) city, id from orders order by city, id
select c.id, x.id from customers c, lateral (select max(o.id) as id from orders o where o.customer_id = c.id) x where c.id < 4 order by 1
select a.id from orders a join orders b using (id) where a.id < 4 order by 1
select o.id, c.name from orders o positional join customers c limit 1
select o.id from orders o asof join customers c on o.day >= c.since order by 1 limit 1
-- Forms of DuckDB.
from orders select count(*)
from customers order by id limit 2
select * exclude (meta, note, created_at) from orders where id = 3
select * replace (upper(city) as city) from customers cross join (select 'x' as city) where id = 1
select city, count(*), from orders group by city order by all
select city, tier from orders join customers on customer_id = customers.id where orders.id < 9 order by all
select id, price * quantity as total from orders where id < 5 order by total
select id as a, a + 1 as b from orders where id < 3 order by 1
select list_transform([1, 2, 3], x -> x * 2)
select list_filter([1, 2, 3, 4], x -> x % 2 = 0)
select unnest([1, 2, 3])
select unnest(generate_series(1, 3))
select [1, 2, 3][1], list_extract([4, 5], 2), len([1, 2])
select list_contains([1, 2], 2), list_distinct([1, 1]), list_sort([3, 1, 2]), list_concat([1], [2])
select array_length([1, 2, 3]), array_to_string(['a', 'b'], '-'), list_slice([1, 2, 3], 1, 2)
select list_sum([1, 2, 3]), list_min([2, 1]), list_max([2, 1]), list_reverse([1, 2])
select {'a': 1, 'b': 'x'}, struct_pack(a := 1)
select map {'a': 1}
select range(3), range(2, 5), range(0, 10, 3)
select * from range(5)
select * from generate_series(1, 10, 3)
select * from generate_series(date '2024-01-01', date '2024-03-01', interval 1 month)
select 7 // 2, -7 // 2, 7 % 3, -7 % 3
select 7 / 2
select 7.0 / 2, 1 / 3.0
select 'a' || 1 || null, concat('a', 1, null)
select columns('i.*') from customers where id = 1
select * from orders using sample 10
pivot orders on city using count(*)
summarize customers
select if(amount > 50, 'high', 'low') as band, count(*) from orders group by 1 order by 1
select ifnull(null, 1), coalesce(null, 2), nullif(1, 1)
select try_cast('x' as int), try_cast('7' as int), cast('7' as int), '7'::int, 7::varchar
select case city when 'Oslo' then 1 else 0 end as oslo, count(*) from orders group by 1 order by 1
select greatest(1, 3, 2), least(1, 3, 2), greatest(null, 1)
-- Dates.
select year(day), month(day), day(day), quarter(day), count(*) from orders where id < 50 group by all order by all
select week(day), weekofyear(day), dayofweek(day), isodow(day), dayofyear(day), dayofmonth(day), weekday(day) from orders where id < 40 order by id
select hour(created_at), minute(created_at), second(created_at) from orders where id < 20 order by id
select monthname(day), dayname(day) from orders where id < 40 order by id
select extract(year from day), extract(month from created_at), extract(dow from day), extract(epoch from created_at) from orders where id < 20 order by id
select extract(isodow from day), extract(doy from day), extract(week from day), extract(quarter from day) from orders where id < 20 order by id
select date_part('year', day), date_part('hour', created_at), date_part('minute', created_at) from orders where id < 20 order by id
select epoch(created_at), epoch_ms(created_at) from orders where id < 10 order by id
select strftime(created_at, '%Y-%m-%d %H:%M:%S') from orders where id < 20 order by id
select strftime(day, '%d.%m.%y %a %A %b %B %j %w %u') from orders where id < 40 order by id
select strftime(created_at, '%I:%M %p %-d/%-m %f %g %U %W %V %G %%') from orders where id < 40 order by id
select strftime(day, '%Y-W%V'), count(*) from orders group by 1 order by 1
select date_diff('day', date '2024-01-31', date '2024-03-01'), date_diff('month', date '2024-01-31', date '2024-03-01'), date_diff('year', date '2023-12-31', date '2024-01-01')
select date_diff('week', day, date '2024-06-05') from orders where id < 40 order by id
select date_diff('quarter', day, date '2024-06-05') from orders where id < 40 order by id
select date_diff('hour', created_at, timestamp '2023-06-01 12:30:00'), date_diff('minute', created_at, timestamp '2023-06-01 12:30:00') from orders where id < 30 order by id
select datediff('second', timestamp '2024-01-01 00:00:59', timestamp '2024-01-01 00:01:01')
select date_sub('month', day, date '2024-06-15'), date_sub('day', day, date '2024-06-15'), date_sub('year', day, date '2024-06-15') from orders where id < 60 order by id
select date_add(date '2024-01-31', interval 1 month), date_add(timestamp '2024-01-31 10:00:00', interval 90 minute)
select day + interval 1 month, day - interval 1 year from orders where id < 60 order by id
select day + 7, day - 7 from orders where id < 10 order by id
select day - date '2022-01-01' from orders where id < 10 order by id
select created_at + interval '1 day 2 hours' from orders where id < 10 order by id
select time_bucket(interval '1 hour', created_at), count(*) from orders where id < 60 group by 1 order by 1
select time_bucket(interval '7 days', created_at), count(*) from orders group by 1 order by 1
select time_bucket(interval '3 months', created_at), count(*) from orders group by 1 order by 1
select time_bucket(interval '15 minutes', timestamp '2024-05-06 10:44:59')
select last_day(day) from orders where id < 30 order by id
select make_date(2024, 2, 29), date '2024-02-29', timestamp '2024-02-29 10:00:00'
select cast(created_at as date), created_at::date = day from orders where id < 10 order by id
select extract(year from age(created_at, timestamp '2021-05-31')), extract(month from age(created_at, timestamp '2021-05-31')) from orders where id < 40 order by id
select min(created_at), max(created_at), max(day) - min(day) from orders
select date_trunc('hour', created_at), date_trunc('day', created_at), date_trunc('minute', created_at) from orders where id < 10 order by id
select day between date '2023-01-01' and date '2023-12-31' as y23, count(*) from orders group by 1 order by 1
select decade(day), century(day) from orders where id < 3 order by id
select to_timestamp(1700000000) at time zone 'UTC'
select date_trunc('month', created_at at time zone 'UTC' at time zone 'America/New_York') as month, count(*) from orders group by 1 order by 1
select id, created_at at time zone 'UTC' at time zone 'Asia/Kathmandu' from orders where id < 20 order by id
select strptime('2024-02-29', '%Y-%m-%d'), strptime('29/02/24 14:05:06', '%d/%m/%y %H:%M:%S')
select current_date >= date '2024-01-01', now() >= timestamptz '2024-01-01', today() = current_date
-- Texts.
select upper(city), lower(city), length(city), reverse(city) from orders where id < 8 order by id
select substr(city, 2, 3), substring(city, 1, 2), left(city, 2), right(city, 2) from orders where id < 8 order by id
select substring(city from 2 for 3), position('r' in city), strpos(city, 'e'), instr(city, 'i') from orders where id < 8 order by id
select trim('  a '), ltrim(' a'), rtrim('a '), trim(both 'x' from 'xax'), trim('xax', 'x')
select replace(city, 'r', 'RR'), translate(city, 'abc', 'xyz'), repeat('ab', 3) from orders where id < 8 order by id
select lpad('7', 3, '0'), rpad('7', 3, 'x'), lpad('abcdef', 3, 'x')
select split_part('a-b-c', '-', 2), split_part('a-b', '-', 5), string_split('a,b,c', ',')
select starts_with(city, 'B'), ends_with(city, 'o'), contains(city, 'a'), prefix(city, 'O'), suffix(city, 'o') from orders where id < 8 order by id
select count(*) from orders where note like 'beta\_%' escape '\'
select count(*) from orders where note like 'beta_%'
select count(*) from orders where note ilike 'GAMMA%'
select count(*) from orders where note not like '%a%'
select count(*) from orders where city ~ 'o'
select count(*) from orders where regexp_matches(city, '^[A-M]')
select regexp_replace(note, '[0-9]+', '#') from orders where id < 8 order by id
select regexp_replace(city, '([a-z])', '<\1>', 'g') from orders where id < 8 order by id
select regexp_extract(note, '[0-9]+') from orders where id < 12 order by id
select concat_ws('-', city, null, note) from orders where id < 8 order by id
select ascii('A'), chr(65), bit_length('abc'), strlen('ü'), length('ü')
select format('{} and {}', 'a', 1)
select printf('%05d', 42)
select md5('a')
select city collate nocase from orders where id = 1
select 'a' < 'B', 'ä' > 'z', 'abc' = 'ABC'
select count(*) from orders where city in ('Oslo', 'Paris') and note is not null
select levenshtein('kitten', 'sitting')
select to_hex(255)
select string_agg(note, '; ' order by id) from orders where id < 12
-- Numbers.
select round(2.5), round(-2.5), round(2.345, 2), floor(-1.5), ceil(1.2), trunc(1.9), abs(-3), sign(-2)
select round(amount, 1), floor(amount), ceil(amount) from orders where id < 30 order by id
select sqrt(16), power(2, 10), exp(1), ln(10), log10(1000), log2(8), pi(), cbrt(27)
select sin(1), cos(1), tan(1), atan2(1, 2), degrees(pi()), radians(180)
select mod(7, 3), mod(-7, 3), 7 % -3, gcd(12, 18), lcm(4, 6), factorial(5)
select price * quantity, price + 1, -price from orders where id < 20 order by id
select price / 3 from orders where id < 20 order by id
select sum(price * quantity), avg(price) from orders
select sum(amount), sum(quantity), avg(quantity) from orders
select cast(1.5 as int), cast(2.5 as int), cast(-1.5 as int), cast(0.4 as bigint), cast('1.5' as double), cast(1e3 as bigint)
select cast(amount as int), cast(price as int) from orders where id < 60 order by id
select cast(price as double), cast(price as bigint), cast(amount as decimal(10, 1)) from orders where id < 20 order by id
select 1e10, 0.1 + 0.2, 1.0, 100000000000 * 10, 9223372036854775807
select 9223372036854775807 + 1
select -9223372036854775808 - id, 4611686018427387904 * 2 from orders where id = 1
select length([1, 2]), length('abc')
select reverse([1, 2])
select (day - date '2022-01-01') > 400, age(created_at, timestamp '2022-01-01') > interval '1 year' from orders where id < 40 order by id
select 1 / 0
select 5 % 0
select 1.0 / 0
select isnan('nan'::double), 'inf'::double > 1
select 5 & 3, 5 | 3, 1 << 4, 16 >> 2
-- JSON.
select meta ->> 'source', count(*) from orders group by 1 order by 1
select json_extract_string(meta, '$.tags[0]'), count(*) from orders group by 1 order by 1
select json_extract(meta, '$.score'), count(*) from orders group by 1 order by 1
select meta ->> '$.deep.a[0]', count(*) from orders group by 1 order by 1
select cast(meta ->> 'score' as int) as score, count(*) from orders group by 1 order by 1
select meta -> 'deep' from orders where id < 4 order by id
-- NULLs, conditions, order.
select amount from orders where id < 30 order by amount, id
select amount from orders where id < 30 order by amount desc, id
select amount from orders where id < 30 order by amount nulls first, id
select count(*) from orders where amount is distinct from 10
select null = null, null is null, not null, true and null, false or null
select count(*) from orders where paid is true
select count(*) from orders where not (city = 'Oslo' or paid)
select count(*) from orders where amount between 10 and 20
select id from orders order by id limit 3 offset 2
select id from orders order by id desc fetch first 3 rows only
select id from orders where id not in (select id from orders where amount is null) order by id limit 3
select count(*) from orders where id = any([1, 2, 3])
select (id, city) from orders where id = 1
select count(*) from orders where (id, city) in ((1, 'x'))
select 1 in (1, null), 2 in (1, null)
select city, price from orders order by price desc, id limit 3
select "city" from "orders" where "id" = 1
select City, ORDERS.ID from Orders where ID = 1
select 'it''s', "city" as "My City" from orders where id = 1
select 1 as "a b", 2 as ü
