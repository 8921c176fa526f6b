//! Casts that the engine does in another way than the dialects: corrected, or refused, once types are known.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, not_impl_err};
use datafusion::functions::math::expr_fn::round;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::functions::nearest_even;

/// The last rule of the analysis.
///
/// - A number with a fraction becomes the nearest integer, as in Postgres. The engine cuts the fraction off.
///   In the middle between two, a floating point number goes to the even one and an exact number away from zero.
/// - A list where a text belongs is an error. The engine would take the text `[1, 2]`, also for a function such
///   as `reverse`, without a word.
#[derive(Debug)]
pub struct Casts;

impl AnalyzerRule for Casts {
    fn name(&self) -> &'static str {
        "casts"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|plan| {
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let rewritten = expr.transform_up(|expr| rewrite(expr, &schema))?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })
        });
        rewritten.map(|rewritten| rewritten.data)
    }
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (inner, target) = match &expr {
        Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) => {
            (expr, field.data_type())
        }
        _ => return Ok(Transformed::no(expr)),
    };
    // The type of a lambda's variable is not known here.
    let Ok(source) = inner.get_type(schema) else { return Ok(Transformed::no(expr)) };
    if source.is_nested() && target.is_string() {
        return not_impl_err!("A list or a structure is no text. array_to_string(list, ',') makes one.");
    }
    let has_fraction = source.is_floating() || source.is_decimal();
    if !(has_fraction && target.is_integer()) {
        return Ok(Transformed::no(expr));
    }
    // A literal with a fraction is an exact number in both dialects.
    let is_exact = source.is_decimal() || matches!(inner.as_ref(), Expr::Literal(..));
    let inner = (**inner).clone();
    let rounded = Box::new(if is_exact { round(vec![inner]) } else { nearest_even().call(vec![inner]) });
    let target = target.clone();
    Ok(Transformed::yes(match expr {
        Expr::TryCast(_) => Expr::TryCast(TryCast::new(rounded, target)),
        _ => Expr::Cast(Cast::new(rounded, target)),
    }))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;
    use datafusion::prelude::{cast, lit, try_cast};

    use super::*;

    fn rewritten(expr: Expr) -> Result<String> {
        rewrite(expr, &DFSchema::empty()).map(|rewritten| rewritten.data.to_string())
    }

    #[test]
    fn only_casts_that_lose_a_fraction_are_rounded() {
        assert!(rewritten(cast(lit(1.5), DataType::Int64)).unwrap().contains("round"));
        assert!(rewritten(try_cast(lit(1.5), DataType::Int32)).unwrap().contains("round"));
        assert!(
            rewritten(cast(cast(lit("1.5"), DataType::Float64), DataType::Int32))
                .unwrap()
                .contains("nearest_even")
        );
        assert!(!rewritten(cast(lit(1_i64), DataType::Int32)).unwrap().contains("round"));
        assert!(!rewritten(cast(lit("1.5"), DataType::Int32)).unwrap().contains("round"));
        assert!(!rewritten(cast(lit(1.5), DataType::Utf8)).unwrap().contains("round"));
    }
}
