//! The sum of integers: an error when it is too large. The engine's own wraps around.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

/// The type in which integers are added: no number of rows that an answer can have fills it.
const WIDE: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);

/// The engine's sum, with integers added as decimals. All other types pass through.
///
/// No sum is rewritten into another (`sum(a + 1)` into `sum(a) + count(a)`), nor answered from statistics.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedSum {
    inner: Arc<AggregateUDF>,
}

pub fn sum() -> AggregateUDF {
    AggregateUDF::new_from_impl(CheckedSum { inner: sum_udaf() })
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        widened(args, |args| self.inner.accumulator(args), |inner, kind| Box::new(Checked { inner, kind }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let create = |args: AccumulatorArgs| self.inner.create_sliding_accumulator(args);
        widened(args, create, |inner, kind| Box::new(Checked { inner, kind }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let create = |args: AccumulatorArgs| self.inner.create_groups_accumulator(args);
        widened(args, create, |inner, kind| Box::new(Checked { inner, kind }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        if !args.return_type().is_integer() {
            return self.inner.state_fields(args);
        }
        let return_field = wide(&args.return_field);
        let input_fields: Vec<_> = args.input_fields.iter().map(wide).collect();
        self.inner.state_fields(StateFieldsArgs { return_field, input_fields: &input_fields, ..args })
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}

fn wide(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), WIDE, field.is_nullable()))
}

/// The engine's accumulator over decimals, checked, for integers, and its own for all other types.
fn widened<T>(
    args: AccumulatorArgs,
    create: impl FnOnce(AccumulatorArgs) -> Result<T>,
    check: impl FnOnce(T, DataType) -> T,
) -> Result<T> {
    let kind = args.return_field.data_type().clone();
    if !kind.is_integer() {
        return create(args);
    }
    let expr_fields: Vec<_> = args.expr_fields.iter().map(wide).collect();
    let return_field = wide(&args.return_field);
    let inner = create(AccumulatorArgs { return_field, expr_fields: &expr_fields, ..args })?;
    Ok(check(inner, kind))
}

/// An accumulator over decimals whose result is an integer again.
#[derive(Debug)]
struct Checked<T: ?Sized> {
    inner: Box<T>,
    kind: DataType,
}

fn cast(value: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(value, kind, &CastOptions { safe: false, ..CastOptions::default() })?)
}

fn widen(values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    values.iter().map(|values| cast(values, &WIDE)).collect()
}

impl Accumulator for Checked<dyn Accumulator> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(&widen(values)?)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(&widen(values)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.inner.evaluate()?.to_array()?;
        ScalarValue::try_from_array(&cast(&sum, &self.kind)?, 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

impl GroupsAccumulator for Checked<dyn GroupsAccumulator> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.inner.update_batch(&widen(values)?, groups, filter, total)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.inner.merge_batch(states, groups, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&widen(values)?, filter)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        cast(&self.inner.evaluate(emit)?, &self.kind)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
