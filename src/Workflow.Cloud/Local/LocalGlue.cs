using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

/// <summary>
/// A stand-in for AWS Glue: the Data Catalog (shown at <c>/local/aws/glue/catalog</c>) and jobs (POST <c>/local/aws/glue/jobs</c>, a
/// <see cref="LocalGlueJob"/>; their runs at <c>/local/aws/glue/runs</c>).
/// </summary>
public sealed class LocalGlue(string dataFolder, TimeProvider time) : ILocalAwsService
{
    private readonly LocalAwsState<State> _state = new(dataFolder, "glue", time);

    public string SigningName => "glue";

    public string? TargetPrefix => "AWSGlue";

    /// <summary>Makes a job, or changes what its next runs come to.</summary>
    public Task PutJobAsync(LocalGlueJob job, CancellationToken cancellation) => _state.UpdateAsync(state => state.Jobs.Jobs[job.Name] = job, cancellation);

    /// <summary>The runs of all jobs, oldest first.</summary>
    public Task<IReadOnlyList<LocalGlueRun>> ReadRunsAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyList<LocalGlueRun> (state) => state.Jobs.Runs, cancellation);

    /// <summary>The tables, by <c>database.table</c>.</summary>
    public Task<IReadOnlyDictionary<string, LocalGlueTable>> ReadTablesAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyDictionary<string, LocalGlueTable> (state) => state.Catalog.Tables, cancellation);

    public void Map(IEndpointRouteBuilder local)
    {
        local.MapPost("/jobs", PutJobAsync);
        local.MapGet("/runs", ReadRunsAsync);
        local.MapGet("/catalog", ReadTablesAsync);
    }

    public Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation) =>
        _state.UpdateAsync(
            state => state.Catalog.Call(operation, input)
                ?? state.Jobs.Call(operation, input, time.GetUtcNow())
                ?? throw new LocalAwsException("UnknownOperationException", $"The stand-in does not do {operation}."),
            cancellation);

    private sealed class State
    {
        public LocalGlueCatalog Catalog { get; init; } = new();

        public LocalGlueJobs Jobs { get; init; } = new();
    }
}
