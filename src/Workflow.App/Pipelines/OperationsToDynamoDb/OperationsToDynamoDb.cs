using Amazon.DynamoDBv2;
using Workflow.App.Configuration;
using Workflow.Cloud.DynamoDb;
using Workflow.Cloud.Objects;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OperationsToDynamoDb;

/// <summary>What to load, and where and how; see docs/pipelines/operations-to-dynamodb.md.</summary>
internal sealed record OperationsToDynamoDbInput : PipelineInput
{
    private const int MostAtOnce = 64;
    private const int MostFiles = 2_000;
    private static readonly string[] Key = ["dominio", "id_operacao"];

    /// <summary>The DynamoDB table; created, billed on demand, where there is none.</summary>
    public string Table { get; init; } = "operacoes";

    public string HashKey { get; init; } = "id_operacao";

    public string RangeKey { get; init; } = "dominio";

    /// <summary>Of the table's capacity, where that is provisioned: the part that a run may use, of what it reads and of what it writes.</summary>
    public double CapacityShare { get; init; } = 0.5;

    /// <summary>Of a prefix: files in work at one time.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>Of a prefix: files that one run takes at most; the next run takes the others.</summary>
    public int MaxFiles { get; init; } = 1_000;

    /// <summary>Where records lie between the steps of a run.</summary>
    public string Staging { get; init; } = "local://staging/operations/";

    /// <summary>Where the items are put as Parquet; none where this is empty.</summary>
    public string Catalog { get; init; } = "";

    public string CatalogDatabase { get; init; } = "pos-venda";

    public string CatalogTable { get; init; } = "tb_operacoes";

    /// <summary>The zone whose day names the archive.</summary>
    public string TimeZone { get; init; } = "America/Sao_Paulo";

    public DynamoDbReader Reader(IAmazonDynamoDB dynamo, TimeProvider time) => new(dynamo, DynamoDbTable(), CapacityShare, time);

    public DynamoDbWriter Writer(IAmazonDynamoDB dynamo, TimeProvider time) => new(dynamo, DynamoDbTable(), CapacityShare, time);

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckDynamoDbTable(nameof(Table), Table, key, errors);
        Inputs.CheckRange(nameof(AtOnce), AtOnce, MostAtOnce, key, errors);
        Inputs.CheckRange(nameof(MaxFiles), MaxFiles, MostFiles, key, errors);
        CheckPrefix(nameof(Staging), Staging);
        if (Catalog.Length > 0)
        {
            CheckPrefix(nameof(Catalog), Catalog);
        }

        if (Table.Length == 0)
        {
            errors.Add(key(nameof(Table)), null, "name the DynamoDB table, for example operacoes");
        }

        if (!new[] { HashKey, RangeKey }.Order(StringComparer.Ordinal).SequenceEqual(Key))
        {
            errors.Add(key(nameof(HashKey)), $"{HashKey}, {RangeKey}", "only id_operacao and dominio together tell items apart: make one of them HashKey and the other RangeKey");
        }

        if (CapacityShare is not (> 0 and <= 1))
        {
            errors.Add(key(nameof(CapacityShare)), $"{CapacityShare}", "write a number above 0 and up to 1, for example 0.5");
        }

        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _))
        {
            errors.Add(key(nameof(TimeZone)), TimeZone, "name a time zone, for example America/Sao_Paulo; this machine's list of them (tzdata) has no such one");
        }

        void CheckPrefix(string name, string address)
        {
            Inputs.CheckAddress(name, address, "local://lake/operacoes/", key, errors);
            if (!address.EndsWith('/'))
            {
                errors.Add(key(name), address, "end the prefix with a slash");
            }
        }
    }

    private DynamoDbTable DynamoDbTable() => new(Table, HashKey, RangeKey);
}

/// <summary>What became of the lines. Always <c>RowsIn = Loaded + Quarantined + Skipped</c>.</summary>
internal sealed record OperationsToDynamoDbResult : PipelineResult
{
    /// <summary>Files that were loaded.</summary>
    public int Files { get; init; }

    /// <summary>Files that were there and not taken: processed before, or in the hand of another run.</summary>
    public int FilesNotTaken { get; init; }

    public long Items { get; init; }

    /// <summary>Of the skipped: lines that say what another line says.</summary>
    public long Duplicates { get; init; }

    /// <summary>Of the skipped: metadata of a group that had some already.</summary>
    public long RepeatedMetadata { get; init; }

    /// <summary>Operations of which other records arrived than their metadata announce.</summary>
    public long Disagreements { get; init; }

    public IReadOnlyList<string> FirstDisagreements { get; init; } = [];

    /// <summary>Write capacity units that the load took.</summary>
    public long WriteUnits { get; init; }

    /// <summary>How often an item came back unprocessed and was sent again.</summary>
    public long Returned { get; init; }

    /// <summary>Partitions that the catalog got.</summary>
    public int Partitions { get; init; }

    /// <summary>All places of refused lines, where there are several.</summary>
    public IReadOnlyList<string> QuarantineObjects { get; init; } = [];
}

/// <summary>Some files could not be loaded or put aside; the others were.</summary>
internal sealed class FilesFailedException(IReadOnlyList<TaskFailedException> failures, int all)
    : RunFailedException($"{failures.Count} of {all} files failed{(failures.Count < all ? ", the others are loaded" : "")}. The first: {failures[0].FailureDetails.ErrorMessage}");

/// <summary>A file as it was when the run took it.</summary>
/// <param name="ETag">Of the content that the run is about.</param>
internal sealed record OperationsObject(string Address, string ETag)
{
    /// <summary>The area beside the files where they go when they are done.</summary>
    public const string Done = "PROCESSADOS";

    /// <summary>A few characters that stand for this content at this address.</summary>
    public string Tag() => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{Address}\n{ETag}")).AsSpan(0, 4));

    /// <summary>Where it goes: into <c>PROCESSADOS</c> beside it, or a day's folder in there.</summary>
    public ObjectAddress DoneAddress(string? day)
    {
        var from = ObjectAddress.Parse(Address);
        return from.WithKey($"{from.Key[..^from.Name.Length]}{Done}/{(day is null ? "" : $"{day}/")}{from.Name}");
    }
}
