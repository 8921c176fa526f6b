// A small shop's tables, the same in every run except for its dates, which end in the present month.

const CATEGORIES = ["Beverages", "Condiments", "Confections", "Dairy", "Grains", "Produce"];
const COUNTRIES = ["Austria", "Brazil", "Canada", "Denmark", "France", "Mexico", "Norway"];

export function shop(today) {
  let state = 20260401;
  const random = (below) => (state = (state * 48271) % 2147483647) % below;
  const products = Array.from({ length: 24 }, (_, index) => ({ product_id: index + 1, category_id: (index % CATEGORIES.length) + 1 }));
  const orders = [], order_details = [];
  for (let order_id = 10001; order_id <= 10240; order_id += 1) {
    const day = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - random(14), 1 + random(28)));
    orders.push({ order_id, order_date: day.toISOString().slice(0, 10), ship_country: COUNTRIES[random(COUNTRIES.length)] });
    for (let line = random(3); line >= 0; line -= 1) {
      order_details.push({ order_id: String(order_id), product_id: `${1 + random(products.length)}`, unit_price: (2_000 + random(90_000)) / 100, quantity: 10 + random(400), discount: random(5) / 20 });
    }
  }
  const categories = CATEGORIES.map((category_name, index) => ({ category_id: index + 1, category_name }));
  return { orders, order_details, products, categories };
}

export const COLUMNS = {
  orders: { order_id: "integer", order_date: "date", ship_country: "text" },
  order_details: { order_id: "text", product_id: "text", unit_price: "decimal(10,2)", quantity: "integer", discount: "decimal(4,2)" },
  products: { product_id: "integer", category_id: "integer" },
  categories: { category_id: "integer", category_name: "text" },
};

// The figures of the dive, from the rows themselves.
export function figuresOf({ orders, order_details, products, categories }, today) {
  const value = ({ unit_price, quantity, discount }) => unit_price * quantity * (1 - discount);
  const sum = (lines) => lines.reduce((total, line) => total + value(line), 0);
  const linesOf = new Map(orders.map(({ order_id }) => [String(order_id), []]));
  for (const line of order_details) linesOf.get(line.order_id).push(line);
  const months = Array.from({ length: 12 }, (_, index) => {
    const start = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 11 + index, 1));
    const within = orders.filter(({ order_date }) => order_date.slice(0, 7) === start.toISOString().slice(0, 7));
    const label = start.toLocaleString("en", { month: "short", year: "numeric", timeZone: "UTC" });
    return { label, revenue: sum(within.flatMap(({ order_id }) => linesOf.get(String(order_id)))) / 1e6 };
  });
  const categoryOf = new Map(products.map(({ product_id, category_id }) => [String(product_id), category_id]));
  const byCategory = categories.map(({ category_id, category_name }) => ({ name: category_name, revenue: sum(order_details.filter((line) => categoryOf.get(line.product_id) === category_id)) / 1e6 }));
  const revenue = sum(order_details);
  return {
    revenue, orders: orders.length, average: revenue / orders.length, countries: new Set(orders.map(({ ship_country }) => ship_country)).size,
    months, categories: byCategory.sort((one, other) => other.revenue - one.revenue),
  };
}
