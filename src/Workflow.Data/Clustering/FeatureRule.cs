using System.Text.Json.Serialization;

namespace Workflow.Data.Clustering;

/// <summary>How a number is brought to the scale of the others.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Scaling>))]
public enum Scaling
{
    /// <summary>Less the mean, divided by the standard deviation.</summary>
    Standard,

    /// <summary>Less the least, divided by the span: 0 to 1 for the rows the rule was made from.</summary>
    MinMax,
}

/// <summary>What a column is to a model.</summary>
public enum FeatureKind
{
    Number,

    /// <summary>A date, as days before the date of the run.</summary>
    DaysBefore,

    Category,
}

/// <summary>A column that becomes a feature.</summary>
public sealed record Feature(string Column, FeatureKind Kind);

/// <summary>How the values of one column become numbers, as recorded when the model's rows were prepared.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(NumberRule), "number")]
[JsonDerivedType(typeof(DaysBeforeRule), "days-before")]
[JsonDerivedType(typeof(CategoryRule), "category")]
public abstract record FeatureRule(string Column);

/// <summary>(value - offset) / scale; a missing value counts as <paramref name="Fill"/>, the mean.</summary>
public sealed record NumberRule(string Column, Scaling Scaling, double Offset, double Scale, double Fill) : FeatureRule(Column);

/// <summary>As <see cref="NumberRule"/>, of the days from the column's date to the date of the run.</summary>
public sealed record DaysBeforeRule(string Column, Scaling Scaling, double Offset, double Scale, double Fill) : FeatureRule(Column);

/// <summary>
/// A 1 in the feature of its category, 0 in the others. Categories are compared in lower case without the blanks around them. A value that
/// is missing, or not one of these, is 0 in all of them.
/// </summary>
/// <param name="Categories">In ordinal order.</param>
public sealed record CategoryRule(string Column, IReadOnlyList<string> Categories) : FeatureRule(Column);
