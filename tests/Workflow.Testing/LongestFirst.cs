using Xunit.Sdk;
using Xunit.v3;

namespace Workflow.Testing;

/// <summary>A class whose tests take a minute and more, one after the other: they start programs, or kill them.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class TakesLongAttribute : Attribute;

/// <summary>Begins with the classes that take long, so that a run does not end with one of them alone.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private const string ClassAfter = "Test collection for ";

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderByDescending(TakesLong)];

    /// <summary>xunit says which class a collection is for in its name alone.</summary>
    private static bool TakesLong<TTestCollection>(TTestCollection collection) where TTestCollection : ITestCollection =>
        collection.TestCollectionDisplayName.StartsWith(ClassAfter, StringComparison.Ordinal)
        && collection.TestAssembly is IXunitTestAssembly tests
        && tests.Assembly.GetType(collection.TestCollectionDisplayName[ClassAfter.Length..].Split(' ')[0]) is { } type
        && type.IsDefined(typeof(TakesLongAttribute), inherit: false);
}
