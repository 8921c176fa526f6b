//! Types of parameters and of the controls that set them: `category`, `string/contains`, `date/range`.

use deserr::Deserr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::json::input::{Invalid, Wrong};
use crate::resource::parameter::ParameterType;

macro_rules! widget_types {
    ($($name:ident, $word:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserr)]
        #[deserr(error = Invalid, try_from(String) = Self::read -> Wrong)]
        pub enum WidgetType { $($name),+ }

        impl WidgetType {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

widget_types! {
    Text, "text";
    Number, "number";
    Date, "date";
    Boolean, "boolean";
    Id, "id";
    Category, "category";
    TemporalUnit, "temporal-unit";
    City, "location/city";
    State, "location/state";
    ZipCode, "location/zip_code";
    Country, "location/country";
    DateSingle, "date/single";
    DateRange, "date/range";
    DateMonthYear, "date/month-year";
    DateQuarterYear, "date/quarter-year";
    DateRelative, "date/relative";
    DateAllOptions, "date/all-options";
    NumberEquals, "number/=";
    NumberNotEquals, "number/!=";
    NumberAtMost, "number/<=";
    NumberAtLeast, "number/>=";
    NumberBetween, "number/between";
    StringEquals, "string/=";
    StringNotEquals, "string/!=";
    StringContains, "string/contains";
    StringDoesNotContain, "string/does-not-contain";
    StringStartsWith, "string/starts-with";
    StringEndsWith, "string/ends-with";
    BooleanEquals, "boolean/=";
}

impl WidgetType {
    fn read(word: String) -> Result<Self, Wrong> {
        Self::parse(&word)
            .ok_or(Wrong("must be a type such as category, string/=, number/between or date/range"))
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    /// The type of a declared parameter that carries such values.
    pub fn parameter_type(self) -> ParameterType {
        ParameterType::read(self.word().to_owned()).unwrap_or(ParameterType::Text)
    }

    const fn is_location(self) -> bool {
        matches!(self, Self::City | Self::State | Self::ZipCode | Self::Country)
    }

    /// Types that compare for equality with a value from a list, whatever its type.
    const fn is_choice(self) -> bool {
        matches!(self, Self::Id | Self::Category) || self.is_location()
    }

    const fn is_date_range(self) -> bool {
        matches!(self, Self::DateRange | Self::DateMonthYear | Self::DateQuarterYear | Self::DateRelative)
    }

    pub const fn is_date(self) -> bool {
        matches!(self, Self::Date | Self::DateSingle | Self::DateAllOptions) || self.is_date_range()
    }

    pub const fn is_text_operator(self) -> bool {
        matches!(
            self,
            Self::StringContains | Self::StringDoesNotContain | Self::StringStartsWith | Self::StringEndsWith
        )
    }

    /// Returns whether a parameter of this type has several values.
    pub const fn is_multiple(self) -> bool {
        matches!(
            self,
            Self::NumberEquals
                | Self::NumberNotEquals
                | Self::NumberBetween
                | Self::StringEquals
                | Self::StringNotEquals
                | Self::BooleanEquals
        ) || self.is_choice()
            || self.is_text_operator()
    }

    /// Returns whether a tag of this type takes a parameter of type `given`.
    ///
    /// It is a matter of security: a filter that is meant to match exactly must not be turned into `!=`, which matches
    /// every other row.
    pub fn takes(self, given: Self) -> bool {
        use WidgetType as W;
        if self == given {
            return true;
        }
        match self {
            W::Number => matches!(given, W::NumberEquals | W::Id | W::Category | W::ZipCode),
            W::Text => matches!(given, W::StringEquals) || given.is_choice(),
            W::Date | W::DateSingle => {
                matches!(given, W::Date | W::DateSingle | W::DateAllOptions | W::Id | W::Category)
            }
            W::Boolean => matches!(given, W::BooleanEquals | W::Id | W::Category),
            W::DateRange | W::DateMonthYear | W::DateQuarterYear | W::DateRelative => {
                given == W::DateAllOptions
            }
            W::DateAllOptions => given.is_date(),
            W::Id | W::Category => matches!(
                given,
                W::Text
                    | W::Number
                    | W::Date
                    | W::DateSingle
                    | W::Boolean
                    | W::NumberEquals
                    | W::StringEquals
            ),
            W::City | W::State | W::Country => matches!(given, W::Text | W::StringEquals),
            W::ZipCode => matches!(given, W::Text | W::StringEquals | W::Number | W::NumberEquals),
            W::NumberEquals => given == W::Number,
            W::StringEquals => given == W::Text,
            W::BooleanEquals => given == W::Boolean,
            _ => false,
        }
    }
}

impl Serialize for WidgetType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for WidgetType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(String::deserialize(deserializer)?).map_err(|wrong| de::Error::custom(wrong.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_word() {
        let mut words: Vec<_> = WidgetType::ALL.iter().map(|kind| kind.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), WidgetType::ALL.len());
        for kind in WidgetType::ALL {
            assert_eq!(WidgetType::parse(kind.word()), Some(*kind));
        }
        for word in ["", "Text", "string", "string/like", "number/<", "sql", "date/"] {
            assert_eq!(WidgetType::parse(word), None, "{word}");
        }
    }

    /// tag or widget -> the other types that it takes; it refuses the rest.
    #[test]
    fn a_tag_takes_the_types_that_cannot_widen_it() {
        let takes: &[(&str, &[&str])] = &[
            ("number", &["number/=", "id", "category", "location/zip_code"]),
            (
                "text",
                &[
                    "string/=",
                    "id",
                    "category",
                    "location/city",
                    "location/state",
                    "location/zip_code",
                    "location/country",
                ],
            ),
            ("date", &["date/single", "date/all-options", "id", "category"]),
            ("date/single", &["date", "date/all-options", "id", "category"]),
            ("boolean", &["boolean/=", "id", "category"]),
            ("date/range", &["date/all-options"]),
            ("date/month-year", &["date/all-options"]),
            ("date/quarter-year", &["date/all-options"]),
            ("date/relative", &["date/all-options"]),
            (
                "date/all-options",
                &[
                    "date",
                    "date/single",
                    "date/range",
                    "date/month-year",
                    "date/quarter-year",
                    "date/relative",
                ],
            ),
            ("category", &["text", "number", "date", "date/single", "boolean", "number/=", "string/="]),
            ("id", &["text", "number", "date", "date/single", "boolean", "number/=", "string/="]),
            ("location/city", &["text", "string/="]),
            ("location/state", &["text", "string/="]),
            ("location/country", &["text", "string/="]),
            ("location/zip_code", &["text", "string/=", "number", "number/="]),
            ("number/=", &["number"]),
            ("number/!=", &[]),
            ("number/<=", &[]),
            ("number/>=", &[]),
            ("number/between", &[]),
            ("string/=", &["text"]),
            ("string/!=", &[]),
            ("string/contains", &[]),
            ("string/does-not-contain", &[]),
            ("string/starts-with", &[]),
            ("string/ends-with", &[]),
            ("boolean/=", &["boolean"]),
            ("temporal-unit", &[]),
        ];
        assert_eq!(takes.len(), WidgetType::ALL.len());
        for (tag, others) in takes {
            let tag = WidgetType::parse(tag).unwrap();
            for given in WidgetType::ALL {
                let expected = *given == tag || others.contains(&given.word());
                assert_eq!(tag.takes(*given), expected, "{} {}", tag.word(), given.word());
            }
        }
    }

    #[test]
    fn nothing_exact_takes_an_operator_that_widens() {
        use WidgetType as W;
        let exact =
            [W::Text, W::Number, W::Date, W::Boolean, W::Id, W::Category, W::StringEquals, W::NumberEquals];
        let widening = [
            W::StringNotEquals,
            W::NumberNotEquals,
            W::StringContains,
            W::StringDoesNotContain,
            W::StringStartsWith,
            W::StringEndsWith,
            W::NumberAtMost,
            W::NumberAtLeast,
            W::NumberBetween,
            W::DateRange,
            W::DateRelative,
        ];
        for tag in exact {
            for given in widening {
                assert!(!tag.takes(given), "{} {}", tag.word(), given.word());
            }
        }
    }
}
