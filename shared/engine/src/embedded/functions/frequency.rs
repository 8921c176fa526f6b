//! `mode` and `histogram`: aggregates that count how often each value occurs.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, MapArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

/// The aggregates of this module.
pub fn functions() -> [AggregateUDF; 2] {
    [Form::Mode, Form::Histogram].map(|form| {
        let signature = Signature::any(1, Volatility::Immutable);
        AggregateUDF::new_from_impl(Frequency { form, signature })
    })
}

/// The result of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// The most frequent value; the smallest one where several are.
    Mode,
    /// A map from each value to its number, in the order of the values.
    Histogram,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Frequency {
    form: Form,
    signature: Signature,
}

impl AggregateUDFImpl for Frequency {
    fn name(&self) -> &str {
        match self.form {
            Form::Mode => "mode",
            Form::Histogram => "histogram",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match self.form {
            Form::Mode => types[0].clone(),
            Form::Histogram => DataType::Map(Arc::new(entries(&types[0])), false),
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let kind = args.expr_fields[0].data_type().clone();
        Ok(Box::new(Counts { form: self.form, kind, counts: HashMap::new(), bytes: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = |name: &str, kind: &DataType| {
            let items = DataType::List(Arc::new(Field::new_list_field(kind.clone(), true)));
            Arc::new(Field::new(format!("{}[{name}]", args.name), items, true))
        };
        Ok(vec![list("values", args.input_fields[0].data_type()), list("counts", &DataType::Int64)])
    }
}

/// The entry of a map: the value and its number.
fn entries(kind: &DataType) -> Field {
    Field::new("entries", DataType::Struct(entry_fields(kind)), false)
}

fn entry_fields(kind: &DataType) -> Fields {
    Fields::from(vec![Field::new("keys", kind.clone(), false), Field::new("values", DataType::Int64, true)])
}

#[derive(Debug)]
struct Counts {
    form: Form,
    kind: DataType,
    counts: HashMap<ScalarValue, i64>,
    /// Memory of the values.
    bytes: usize,
}

impl Counts {
    fn add(&mut self, values: &ArrayRef, row: usize, count: i64) -> Result<()> {
        let value = ScalarValue::try_from_array(values, row)?.compacted();
        if let Some(known) = self.counts.get_mut(&value) {
            *known += count;
            return Ok(());
        }
        self.bytes += value.size() + size_of::<(ScalarValue, i64)>();
        self.counts.insert(value, count);
        Ok(())
    }

    fn most_frequent(&self) -> Option<&ScalarValue> {
        let better = |(a, more): &(&ScalarValue, &i64), (b, fewer): &(&ScalarValue, &i64)| {
            more.cmp(fewer).then_with(|| ordered(b, a))
        };
        self.counts.iter().max_by(better).map(|(value, _)| value)
    }

    fn histogram(&self) -> Result<ScalarValue> {
        let mut counted: Vec<_> = self.counts.iter().collect();
        counted.sort_by(|(a, _), (b, _)| ordered(a, b));
        let numbers = Int64Array::from_iter_values(counted.iter().map(|(_, count)| **count));
        let values = ScalarValue::iter_to_array(counted.into_iter().map(|(value, _)| value.clone()))?;
        let (lengths, columns): (_, Vec<ArrayRef>) = ([values.len()], vec![values, Arc::new(numbers)]);
        let rows = StructArray::try_new(entry_fields(&self.kind), columns, None)?;
        let field = Arc::new(entries(&self.kind));
        let map = MapArray::try_new(field, OffsetBuffer::from_lengths(lengths), rows, None, false)?;
        Ok(ScalarValue::Map(Arc::new(map)))
    }
}

/// Values of one type have an order.
fn ordered(a: &ScalarValue, b: &ScalarValue) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

impl Accumulator for Counts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = &values[0];
        for row in (0..values.len()).filter(|row| !values.is_null(*row)) {
            self.add(values, row, 1)?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (values, counts) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for row in (0..values.len()).filter(|row| !values.is_null(*row)) {
            let (values, counts) = (values.value(row), counts.value(row));
            let counts = counts.as_primitive::<Int64Type>();
            for item in 0..values.len() {
                self.add(&values, item, counts.value(item))?;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (values, counts): (Vec<_>, Vec<_>) = self
            .counts
            .iter()
            .map(|(value, count)| (value.clone(), ScalarValue::Int64(Some(*count))))
            .unzip();
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list(&values, &self.kind, true)),
            ScalarValue::List(ScalarValue::new_list(&counts, &DataType::Int64, true)),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match (self.form, self.most_frequent()) {
            (Form::Mode, Some(value)) => Ok(value.clone()),
            (Form::Mode, None) => ScalarValue::try_from(&self.kind),
            (Form::Histogram, Some(_)) => self.histogram(),
            (Form::Histogram, None) => {
                ScalarValue::try_from(&DataType::Map(Arc::new(entries(&self.kind)), false))
            }
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }
}
