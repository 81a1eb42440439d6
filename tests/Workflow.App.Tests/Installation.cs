using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Npgsql;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;
using Workflow.Data.DuckDb;
using Workflow.Testing;

namespace Workflow.App.Tests;

/// <summary>
/// A data folder with settings, databases and objects of a test's own, and the service on it: in this process
/// (<see cref="StartServiceAsync"/>) or in one of its own (<see cref="WorkflowProcess"/>).
/// </summary>
internal sealed class Installation : IAsyncDisposable
{
    private const string LeapDays = "cron(0 0 29 2 ? *)";

    private readonly TempFolder _folder = new();
    private Service? _service;

    private Installation(string database)
    {
        Data = new(_folder.File("data"));
        Hub = database;
        Warehouse = database;
        Settings["ConnectionStrings"] = new JsonObject { [nameof(Hub)] = database, [nameof(Warehouse)] = database };
        Settings["StatusTable"] = "";
    }

    public DataFolder Data { get; }

    /// <summary>Connection string of the warehouse.</summary>
    public string Warehouse { get; private set; }

    /// <summary>What <c>appsettings.json</c> of the data folder says; written when the service starts.</summary>
    public JsonObject Settings { get; } = new();

    public ServiceClient Client { get; private set; } = null!;

    /// <summary>Hub and warehouse in one fresh database, as they are by default.</summary>
    public static async Task<Installation> CreateAsync(PostgresFixture postgres) => new(await postgres.CreateDatabaseAsync(TestContext.Current.CancellationToken));

    /// <summary>Adds a pipeline to the settings.</summary>
    public Installation With(string pipeline, string kind, object options, string? watch = null)
    {
        var pipelines = (JsonObject)(Settings["Pipelines"] ??= new JsonObject());
        pipelines[pipeline] = new JsonObject { ["Kind"] = kind, ["Options"] = JsonSerializer.SerializeToNode(options) };
        if (watch is not null)
        {
            pipelines[pipeline]!["Trigger"] = new JsonObject { ["Object"] = watch, ["Interval"] = "00:00:00.2000000" };
        }

        return this;
    }

    /// <summary>Lets the service take a database of its own for a cluster of Redshift, which is the warehouse from here on.</summary>
    public async Task<Installation> WithRedshiftAsync(PostgresFixture postgres)
    {
        Warehouse = await postgres.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        Settings[App.Configuration.WarehouseSettings.Section] = new JsonObject
        {
            ["Dialect"] = "redshift",
            ["Redshift"] = $"{Warehouse};SSL Mode=Disable",
            ["Staging"] = "s3://lake/staging/",
            ["IamRole"] = "arn:aws:iam::123456789012:role/workflow-redshift-copy",
        };
        return this;
    }

    /// <summary>Lets the service use the tests' storage account, whose key is in a secret.</summary>
    public async Task<Installation> WithAsync(AzuriteFixture azurite)
    {
        await new LocalSecretStore(Data.Secrets).PutAsync("local/storage", new Dictionary<string, string> { ["AccountKey"] = azurite.AccountKey }, TestContext.Current.CancellationToken);
        var endpoint = await azurite.GetEndpointAsync(TestContext.Current.CancellationToken);
        Settings["Azure"] = new JsonObject { ["Storage"] = new JsonObject { ["Account"] = AzuriteFixture.Account, ["Endpoint"] = endpoint.AbsoluteUri, ["Secret"] = "local/storage" } };
        Settings["Outbound"] = new JsonObject { ["Allow"] = new JsonArray(endpoint.Host) };
        return this;
    }

    /// <summary>Lets secrets name databases and webhooks of this machine, where the tests' are.</summary>
    public Installation OpenToThisMachine()
    {
        Settings["Outbound"] = new JsonObject { ["Allow"] = new JsonArray("127.0.0.1") };
        return this;
    }

    /// <summary>Lets the service use the tests' DynamoDB instead of starting one of its own.</summary>
    public async Task<Installation> WithAsync(DynamoDbFixture dynamo)
    {
        await dynamo.ShareAsync(Data.Path, TestContext.Current.CancellationToken);
        return this;
    }

    public Installation WriteSettings()
    {
        KeepDefaultsQuiet();
        Data.Create();
        File.WriteAllText(Data.SettingsFile, Settings.ToJsonString());
        return this;
    }

    public async Task<Installation> StartServiceAsync(ServiceRoles roles = ServiceRoles.Worker, ListenAddresses? listen = null)
    {
        WriteSettings();
        _service = await Service.StartAsync(new(Data, listen ?? ListenAddresses.Ephemeral, roles, LogLevel.Error), TestContext.Current.CancellationToken);
        Client = CreateClient(_service.Address);
        return this;
    }

    public async Task RestartServiceAsync()
    {
        Client.Dispose();
        await _service!.DisposeAsync();
        await StartServiceAsync();
    }

    public Uri Address => _service!.Address;

    public Service Service => _service!;

    /// <summary>Connection string of the hub.</summary>
    public string Hub { get; }

    /// <summary>A client of a service on this data folder, with the folder's key.</summary>
    public ServiceClient CreateClient(Uri address) => new(address, LocalKey.Find(Data).Key?.Reveal());

    /// <summary>For what the API does not wrap: the same address and key, by hand.</summary>
    public HttpClient CreateHttpClient() => new()
    {
        BaseAddress = Address,
        DefaultRequestHeaders = { Authorization = LocalKey.Find(Data).Key is { } key ? new("Bearer", key.Reveal()) : null },
    };

    public void Drop(string address, string content) => Drop(address, Encoding.UTF8.GetBytes(content));

    public void Drop(string address, byte[] content)
    {
        var file = FileOf(address);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, content);
    }

    /// <summary>Copies a file in, its time with it, in one step.</summary>
    public void CopyIn(string file, string address)
    {
        var aside = file + ".copy";
        File.Copy(file, aside, overwrite: true);
        File.SetLastWriteTimeUtc(aside, File.GetLastWriteTimeUtc(file));
        Directory.CreateDirectory(Path.GetDirectoryName(FileOf(address))!);
        File.Move(aside, FileOf(address), overwrite: true);
    }

    /// <summary>What the stand-in for Slack was sent.</summary>
    public Task<IReadOnlyList<LocalSlackMessage>> SlackAsync() => new LocalSlack(Data.Path, TimeProvider.System).ReadAsync(TestContext.Current.CancellationToken);

    public string Read(string address) => File.ReadAllText(FileOf(address));

    /// <summary>How the columns of a Parquet object are compressed.</summary>
    public IReadOnlyList<string> Compressions(string address)
    {
        using var database = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = database.Connect();
        using var found = connection.Query("select distinct compression from parquet_metadata(?)", TestContext.Current.CancellationToken, FileOf(address));
        return [.. found.Rows(TestContext.Current.CancellationToken).Select(row => (string)row[0]!)];
    }

    /// <summary>All objects of a bucket, as <c>folder/name</c>.</summary>
    public IReadOnlyList<string> Objects(string bucket)
    {
        var folder = Path.Combine(Data.Objects, bucket);
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)] : [];
    }

    /// <summary>Runs a pipeline to its end.</summary>
    public async Task<Run> RunAsync(string pipeline, object input, string? instance = null)
    {
        var started = await Client.StartAsync(pipeline, JsonSerializer.SerializeToNode(input), instance, TestContext.Current.CancellationToken);
        return await Client.WaitAsync(started.Instance, TestContext.Current.CancellationToken);
    }

    /// <summary>Writes a secret that says how to reach the warehouse, or a port where nobody is.</summary>
    public Task WriteDatabaseSecretAsync(string name, int? port = null)
    {
        var database = new NpgsqlConnectionStringBuilder(Warehouse);
        return new LocalSecretStore(Data.Secrets).PutAsync(
            name,
            new Dictionary<string, string>
            {
                ["host"] = database.Host!,
                ["port"] = $"{port ?? database.Port}",
                ["username"] = database.Username!,
                ["password"] = database.Password!,
                ["dbname"] = database.Database!,
            },
            TestContext.Current.CancellationToken);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Warehouse);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The rows of a query on the warehouse, each as text with its values separated by bars.</summary>
    public async Task<IReadOnlyList<string>> QueryAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Warehouse);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rows = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? "" : Convert.ToString(reader.GetValue(column), System.Globalization.CultureInfo.InvariantCulture))));
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await (_service?.DisposeAsync() ?? ValueTask.CompletedTask);
        _folder.Dispose();
    }

    /// <summary>The file of an object in the local store.</summary>
    public string FileOf(string address)
    {
        var parsed = Workflow.Cloud.Objects.ObjectAddress.Parse(address);
        return Path.Combine([Data.Objects, parsed.Bucket, .. parsed.Key.Split('/')]);
    }

    /// <summary>A pipeline that is configured by default must not run in a test because its hour has come, or because the objects of another lie where it looks.</summary>
    private void KeepDefaultsQuiet()
    {
        var defaults = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "appsettings.json")))!;
        var pipelines = (JsonObject)(Settings["Pipelines"] ??= new JsonObject());
        foreach (var (name, entry) in defaults["Pipelines"]!.AsObject().Where(entry => entry.Value!["Trigger"] is not null))
        {
            var ours = (JsonObject)(pipelines[name] ??= new JsonObject());
            ours.TryAdd("Trigger", entry!["Trigger"]!["Schedule"] is null
                ? new JsonObject { ["Object"] = $"local://nothing-lands-here/{name}/" }
                : new JsonObject { ["Schedule"] = LeapDays });
        }
    }
}
