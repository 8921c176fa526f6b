//! The frame of the pack's scalar functions: a name, the types, a check when the query is planned, and rows.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::{dates, json, numbers, postgres, strftime, texts, zones};

/// All scalar functions of the pack.
pub fn scalar() -> Vec<ScalarUDF> {
    [
        postgres::DEFINITIONS,
        strftime::DEFINITIONS,
        dates::DEFINITIONS,
        json::DEFINITIONS,
        numbers::DEFINITIONS,
        texts::DEFINITIONS,
        zones::DEFINITIONS,
    ]
    .into_iter()
    .flatten()
    .map(udf)
    .collect()
}

/// One function.
pub struct Definition {
    pub name: &'static str,
    /// The types in which the arguments arrive, for the types that were written; an error if they do not fit.
    pub arguments: fn(&[DataType]) -> Result<Vec<DataType>>,
    pub returns: fn(&[DataType]) -> DataType,
    /// Refuses constant arguments when the query is planned.
    pub check: fn(&[DataType], &[Option<&ScalarValue>]) -> Result<()>,
    pub run: fn(&[ArrayRef]) -> Result<ArrayRef>,
}

pub fn udf(definition: &'static Definition) -> ScalarUDF {
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::new_from_impl(PackFunction { definition, signature })
}

/// No check.
pub fn unchecked(_: &[DataType], _: &[Option<&ScalarValue>]) -> Result<()> {
    Ok(())
}

/// An error about the arguments of a function, with the forms that it has.
pub fn usage<T>(name: &str, forms: &str) -> Result<T> {
    plan_err!("The function {name} is written as {forms}.")
}

/// The text of a constant argument.
pub fn constant_text(argument: Option<&ScalarValue>) -> Option<&str> {
    argument.and_then(|value| value.try_as_str().flatten())
}

struct PackFunction {
    definition: &'static Definition,
    signature: Signature,
}

impl PartialEq for PackFunction {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for PackFunction {}

impl Hash for PackFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl fmt::Debug for PackFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.definition.name)
    }
}

impl ScalarUDFImpl for PackFunction {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        (self.definition.arguments)(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok((self.definition.returns)(arg_types))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        (self.definition.check)(&types, args.scalar_arguments)?;
        Ok(Arc::new(Field::new(self.name(), (self.definition.returns)(&types), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays: Vec<ArrayRef> =
            args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<_>>()?;
        let result = (self.definition.run)(&arrays)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)),
            false => Ok(ColumnarValue::Array(result)),
        }
    }
}
