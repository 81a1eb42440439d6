using System.Text.RegularExpressions;
using Npgsql;
using Workflow.Cloud.Objects;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.App.Configuration;

/// <summary>Which database pipelines load into and read from that are made for either.</summary>
internal enum WarehouseDialect
{
    /// <summary>The PostgreSQL of <c>ConnectionStrings:Warehouse</c>.</summary>
    Postgres,

    /// <summary>Amazon Redshift.</summary>
    Redshift,
}

/// <summary>The section <c>Warehouse</c>.</summary>
internal sealed partial record WarehouseSettings
{
    public const string Section = "Warehouse";

    private const string Usual = "Port=5439;SSL Mode=Require;";

    public WarehouseDialect Dialect { get; init; }

    /// <summary>Connection string of the cluster or workgroup; with a secret, what that does not say.</summary>
    public string? Redshift { get; init; }

    /// <summary>The name of the secret that says who we are there, and where it is.</summary>
    public string? Secret { get; init; }

    /// <summary>Where rows are staged.</summary>
    public string? Staging { get; init; }

    /// <summary>As whom Redshift reads them.</summary>
    public string? IamRole { get; init; }

    public static WarehouseSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var given = SettingsReader.Read<WarehouseSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        if (given.Dialect != WarehouseDialect.Redshift)
        {
            return given;
        }

        if (!given.HasConnection())
        {
            // Not the value: it may hold a password.
            errors.Add($"{Section}:{nameof(Redshift)}", null,
                $"write the cluster's connection string such as Host=lake.example.redshift.amazonaws.com;Port=5439;Database=dev;Username=etl, or name the secret that says it as {Section}:{nameof(Secret)}");
        }

        if (!ObjectAddress.TryParse(given.Staging, out var staging) || staging.Scheme != "s3" || !staging.Key.EndsWith('/'))
        {
            errors.Add($"{Section}:{nameof(Staging)}", given.Staging, "write the prefix that rows are staged under, such as s3://lake/staging/");
        }

        if (!RoleArn().IsMatch(given.IamRole ?? ""))
        {
            errors.Add($"{Section}:{nameof(IamRole)}", given.IamRole, "write the ARN of the role that Redshift reads the staged rows as, such as arn:aws:iam::123456789012:role/workflow-redshift-copy");
        }

        return given;
    }

    public RedshiftStaging ToStaging() => new(ObjectAddress.Parse(Staging!), IamRole!);

    /// <summary>What is written, and Redshift's port and encryption where nothing is.</summary>
    public NpgsqlConnectionStringBuilder ToConnection() => new(Usual + Redshift);

    private bool HasConnection()
    {
        try
        {
            return ToConnection().Host is not null || Secret is { Length: > 0 };
        }
        catch (Exception broken) when (broken is ArgumentException or FormatException)
        {
            return false;
        }
    }

    // Several are a chain, the last of them in another account.
    [GeneratedRegex(@"\Aarn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+(,arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+)*\z")]
    private static partial Regex RoleArn();
}
