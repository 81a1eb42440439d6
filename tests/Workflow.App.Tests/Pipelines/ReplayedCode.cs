using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Workflow.App.Tests.Pipelines;

/// <summary>
/// Reads code that is replayed from history and names what would give another answer the second time: clocks, randomness, I/O,
/// and work on other threads. It goes by what a name means, not by how it is written, so an alias does not hide anything.
/// </summary>
internal static class ReplayedCode
{
    private const string GlobalUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly string[] ForbiddenMembers =
    [
        "System.DateTime.Now", "System.DateTime.UtcNow", "System.DateTime.Today", "System.DateTimeOffset.Now", "System.DateTimeOffset.UtcNow",
        "System.Guid.NewGuid", "System.Guid.CreateVersion7",
        "System.Threading.Tasks.Task.Run", "System.Threading.Tasks.Task.Delay", "System.Threading.Tasks.Task.Factory", "System.Threading.Tasks.Task.Yield",
        "System.Threading.Tasks.Task.ConfigureAwait", "System.Threading.Tasks.Task.ContinueWith", "System.Threading.Tasks.Task.Wait", "System.Threading.Tasks.Task.WaitAsync",
        "System.Threading.CancellationTokenSource.CancelAfter", "System.Threading.CancellationTokenSource.CancelAsync",
    ];

    private static readonly string[] ForbiddenTypes =
    [
        "System.TimeProvider", "System.Environment", "System.Console", "System.Random", "System.AppContext",
        "System.Diagnostics.Stopwatch", "System.Diagnostics.Process",
        "System.IO.File", "System.IO.FileInfo", "System.IO.FileStream", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.StreamReader", "System.IO.StreamWriter",
        "System.Threading.Thread", "System.Threading.ThreadPool", "System.Threading.Timer", "System.Threading.PeriodicTimer", "System.Threading.SemaphoreSlim",
        "System.Threading.Tasks.Parallel", "System.Threading.Tasks.TaskFactory", "System.Threading.Tasks.TaskCompletionSource",
        "Workflow.Cloud.Objects.IObjectStore", "Workflow.Cloud.Objects.ObjectStores",
        "Workflow.Durable.DurableTaskClient",
    ];

    private static readonly string[] ForbiddenNamespaces = ["System.Net", "System.Security.Cryptography", "Npgsql", "Microsoft.Extensions.DependencyInjection"];

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <returns>One line per forbidden name: where it stands and what it is.</returns>
    public static IReadOnlyList<string> Offences(string file, string source)
    {
        var tree = CSharpSyntaxTree.ParseText(source, path: file);
        var compilation = CSharpCompilation.Create("replayed", [tree, CSharpSyntaxTree.ParseText(GlobalUsings)], References);
        var meaning = compilation.GetSemanticModel(tree);
        return
        [
            .. tree.GetRoot().DescendantNodes()
                .Where(node => node is SimpleNameSyntax or BaseObjectCreationExpressionSyntax)
                .Select(node => (node, name: Forbidden(meaning.GetSymbolInfo(node))))
                .Where(found => found.name is not null)
                .Select(found => $"{Path.GetFileName(file)}({found.node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}): {found.name}")
                .Distinct(),
        ];
    }

    private static string? Forbidden(SymbolInfo info)
    {
        var symbol = info.Symbol ?? info.CandidateSymbols.FirstOrDefault();
        if (symbol is null or INamespaceSymbol)
        {
            return null;
        }

        var type = symbol as INamedTypeSymbol ?? (symbol as IMethodSymbol)?.ReducedFrom?.ContainingType ?? symbol.ContainingType;
        if (type is null)
        {
            return null;
        }

        var typeName = $"{type.ContainingNamespace.ToDisplayString()}.{type.Name}";
        var name = symbol is INamedTypeSymbol ? typeName : $"{typeName}.{symbol.Name}";
        return ForbiddenMembers.Contains(name) || ForbiddenTypes.Contains(typeName)
            || ForbiddenNamespaces.Any(space => typeName.StartsWith(space + '.', StringComparison.Ordinal))
            ? name
            : null;
    }
}
