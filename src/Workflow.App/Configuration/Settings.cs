using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration.Json;
using Workflow.App.Pipelines;
using Workflow.Cloud.Aws;

namespace Workflow.App.Configuration;

/// <summary>All that an installation is configured with, read and checked as a whole before anything starts.</summary>
/// <param name="Hub">Connection string of the durable hub's database; null for the embedded one.</param>
/// <param name="Warehouse">Connection string of the database that pipelines load into; null for the embedded one.</param>
/// <param name="Aws">Where each service of AWS is, by the names in <see cref="AwsEndpoints.Services"/>.</param>
internal sealed record Settings(string? Hub, string? Warehouse, HostSettings Host, IReadOnlyDictionary<string, AwsEndpoint> Aws, AzureSettings Azure, IReadOnlyList<Pipeline> Pipelines)
{
    private const string StatusTable = nameof(PipelineInput.StatusTable);

    private static readonly string[] Sections =
    [
        AccessSettings.Section,
        "Aws",
        AzureSettings.Section,
        "ConnectionStrings",
        EventSettings.Section,
        AccessSettings.Kestrel,
        FunctionsSettings.Section,
        "Logging",
        OutboundSettings.Section,
        "Pipelines",
        SecretsSettings.Section,
        StatusTable,
        WarehouseSettings.Section,
    ];

    /// <summary>Who may call.</summary>
    public AccessSettings Access { get; init; } = new();

    /// <summary>What an Azure Functions app binds to.</summary>
    public FunctionsSettings Functions { get; init; } = new();

    /// <summary>Where events of objects come from.</summary>
    public EventSettings Events { get; init; } = new();

    /// <summary>Which closed addresses may be called all the same.</summary>
    public OutboundSettings Outbound { get; init; } = new();

    /// <summary>Who we are at AWS.</summary>
    public AwsSettings AwsIdentity { get; init; } = new();

    public SecretsSettings Secrets { get; init; } = new();

    /// <summary>Which database is loaded into, and how.</summary>
    public WarehouseSettings Loads { get; init; } = new();

    /// <summary>
    /// Where settings come from, the later ones over the earlier: appsettings.json, appsettings.(Environment).json,
    /// appsettings.json of the data folder, environment variables.
    /// </summary>
    /// <exception cref="UsageException">A file is not JSON.</exception>
    public static IConfigurationRoot Sources(DataFolder data)
    {
        try
        {
            return new ConfigurationBuilder()
                .SetBasePath(AppContext.BaseDirectory)
                .AddJsonFile("appsettings.json", optional: false)
                .AddJsonFile($"appsettings.{EnvironmentName}.json", optional: true)
                .AddJsonFile(data.SettingsFile, optional: true)
                .AddEnvironmentVariables()
                .Build();
        }
        catch (InvalidDataException broken)
        {
            throw new UsageException($"{broken.Message} {broken.InnerException?.Message}");
        }
    }

    public static string EnvironmentName =>
        Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environments.Production;

    /// <exception cref="SettingsException">Something is wrong; all of it is named.</exception>
    public static Settings Load(IConfigurationRoot sources)
    {
        var errors = new SettingErrors();
        CheckSections(sources, errors);
        var connections = ReadConnections(sources.GetSection("ConnectionStrings"), errors);
        var host = HostSettings.Load(System.IO.Path.Combine(AppContext.BaseDirectory, "host.json"), errors);
        var access = AccessSettings.Load(sources, errors);
        var aws = AwsSettings.Load(sources, errors);
        var endpoints = aws.ReadEndpoints(errors);
        var azure = AzureSettings.Load(sources, errors);
        var secrets = SecretsSettings.Load(sources, errors);
        azure.CheckVault(secrets.Store, errors);
        var events = EventSettings.Load(sources, errors);
        var functions = FunctionsSettings.Load(sources, errors);
        var status = sources[StatusTable] ?? "";
        Inputs.CheckDynamoDbTable(StatusTable, status, key => key, errors);
        var pipelines = sources.GetSection("Pipelines").GetChildren().Select(entry => Pipeline.Read(entry, errors)?.WithDefault(StatusTable, status)).OfType<Pipeline>().ToArray();
        CheckTriggers(pipelines, errors);
        var outbound = OutboundSettings.Load(sources, errors);
        var loads = WarehouseSettings.Load(sources, errors);
        errors.ThrowIfAny();
        return new(connections.Hub, connections.Warehouse, host, endpoints, azure, pipelines)
        {
            Access = access,
            Events = events,
            Functions = functions,
            AwsIdentity = aws,
            Loads = loads,
            Outbound = outbound,
            Secrets = secrets,
        };
    }

    /// <exception cref="UsageException">There is none of that name.</exception>
    public Pipeline Find(string name) =>
        Pipelines.FirstOrDefault(pipeline => pipeline.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UnknownPipelineException($"There is no pipeline '{name}'. There are: {string.Join(", ", Pipelines.Select(pipeline => pipeline.Name).Order(StringComparer.Ordinal))}.");

    /// <summary>A section nobody reads is a misspelt one. Environment variables are not asked: they are everybody's.</summary>
    private static void CheckSections(IConfigurationRoot sources, SettingErrors errors)
    {
        var written = sources.Providers.OfType<JsonConfigurationProvider>().SelectMany(file => file.GetChildKeys([], null)).Distinct(StringComparer.OrdinalIgnoreCase);
        foreach (var section in written.Except(Sections, StringComparer.OrdinalIgnoreCase))
        {
            errors.Add(section, null, $"there is no such section; there are {string.Join(", ", Sections)}");
        }
    }

    /// <summary>Two pipelines that take objects away from one place would take them from each other.</summary>
    private static void CheckTriggers(IReadOnlyList<Pipeline> pipelines, SettingErrors errors)
    {
        var taking = pipelines.Where(pipeline => pipeline is { Kind.TakesObjectAway: true, Trigger: not null }).ToArray();
        foreach (var pipeline in taking)
        {
            if (taking.FirstOrDefault(other => other != pipeline && pipeline.Trigger!.IsIn(other.Trigger!)) is { } rival)
            {
                errors.Add($"Pipelines:{pipeline.Name}:Trigger:Object", $"{pipeline.Trigger!.Prefix}", $"pipeline '{rival.Name}' takes the objects under {rival.Trigger!.Prefix} away; watch another prefix, or others by their Suffix");
            }
        }
    }

    private static ConnectionSettings ReadConnections(IConfigurationSection section, SettingErrors errors)
    {
        var connections = SettingsReader.Read<ConnectionSettings>(SettingsReader.ToJson(section), section.Path, errors);
        Check(nameof(connections.Hub), connections.Hub);
        Check(nameof(connections.Warehouse), connections.Warehouse);
        return connections;

        void Check(string name, string? value)
        {
            try
            {
                _ = new Npgsql.NpgsqlConnectionStringBuilder(value);
            }
            catch (Exception broken) when (broken is ArgumentException or FormatException)
            {
                // Not the value: it may hold a password.
                errors.Add($"{section.Path}:{name}", null, $"write a connection string such as Host=db;Database=workflow;Username=etl ({broken.Message})");
            }
        }
    }

    private sealed record ConnectionSettings
    {
        public string? Hub { get; init; }

        public string? Warehouse { get; init; }
    }
}
