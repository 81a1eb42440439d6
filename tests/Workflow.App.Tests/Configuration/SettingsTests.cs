using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.Cloud.Azure;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.App.Tests.Configuration;

public sealed class SettingsTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Everything_that_is_wrong_is_reported_at_once_with_key_value_and_what_would_be_right()
    {
        var errors = ErrorsOf("""
            {
              "Pipeline": {},
              "ConnectionStrings": { "Hub": "Host=db;Nonsense=1", "Datamart": "x" },
              "Pipelines": {
                "users": {
                  "Kind": "csv-to-warehose",
                  "Trigger": { "Object": "landing/csv", "Interval": "soon", "Often": "yes" },
                  "Options": { "Table": "users" }
                },
                "orders": {
                  "Kind": "csv-to-warehouse",
                  "Trigger": { "Object": "local://orders/" },
                  "Options": { "AtOnce": "many", "AllowWideningToText": "perhaps", "Attempts": 0, "Delimiter": ";;", "Tabel": "orders" }
                },
                "not a name": { "Kind": "csv-to-warehouse", "Options": { "Table": "x" } }
              }
            }
            """);

        Assert.Equal(
            [
                "ConnectionStrings:Datamart", "ConnectionStrings:Hub", "Pipeline",
                "Pipelines:not a name",
                "Pipelines:orders:Options:AllowWideningToText", "Pipelines:orders:Options:AtOnce", "Pipelines:orders:Options:Attempts", "Pipelines:orders:Options:Delimiter",
                "Pipelines:orders:Options:Tabel", "Pipelines:orders:Options:Table", "Pipelines:orders:Trigger:Object",
                "Pipelines:users:Kind", "Pipelines:users:Trigger:Interval", "Pipelines:users:Trigger:Object", "Pipelines:users:Trigger:Often",
            ],
            errors.Select(error => error.Key).Order(StringComparer.Ordinal));
        Assert.StartsWith("Pipelines:users:Kind is 'csv-to-warehose': write one of csv-to-warehouse, ", Find(errors, "Pipelines:users:Kind"), StringComparison.Ordinal);
        Assert.Equal("Pipelines:orders:Options:AtOnce is 'many': write a whole number", Find(errors, "Pipelines:orders:Options:AtOnce"));
        Assert.Equal("Pipelines:orders:Options:Attempts is '0': write a number from 1 to 100", Find(errors, "Pipelines:orders:Options:Attempts"));
        Assert.Contains("Table", Find(errors, "Pipelines:orders:Options:Tabel"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipeline_is_not_named_as_the_backfill_of_another()
    {
        var errors = ErrorsOf("""{ "Pipelines": { "backfill": { "Kind": "quadratic-primes" }, "a-Backfill": { "Kind": "quadratic-primes" }, "a-backfill-b": { "Kind": "quadratic-primes" }, "a-backfills": { "Kind": "quadratic-primes" } } }""");

        Assert.Equal(["Pipelines:a-Backfill", "Pipelines:a-backfill-b", "Pipelines:backfill"], errors.Select(error => error.Key).Order(StringComparer.Ordinal));
        Assert.All(errors, error => Assert.Contains("name it otherwise", error.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void Who_we_are_at_AWS_and_where_secrets_are_is_checked()
    {
        var errors = ErrorsOf("""
            {
              "Aws": {
                "Profile": "nightly",
                "Roles": [{ "Arn": "workflow" }, { "Arn": "arn:aws:iam::123456789012:role/lake", "SessionName": "a b" }],
                "WebIdentity": { "Source": "azure" }
              },
              "Secrets": { "Store": "vault", "CacheFor": "2.00:00:00", "ServeStaleFor": "-00:00:01" },
              "Warehouse": { "Dialect": "redshift", "Redshift": "Nonsense=1", "Staging": "local://staging/", "IamRole": "default" }
            }
            """);

        Assert.Equal(
            ["Aws:Profile", "Aws:Roles:0:Arn", "Aws:Roles:1:SessionName", "Aws:WebIdentity:Audience", "Secrets:CacheFor", "Secrets:ServeStaleFor", "Secrets:Store",
             "Warehouse:IamRole", "Warehouse:Redshift", "Warehouse:Staging"],
            errors.Select(error => error.Key).Order(StringComparer.Ordinal));
        Assert.Equal("Aws:Roles", Assert.Single(ErrorsOf("""{ "Aws": { "WebIdentity": { "Source": "file", "TokenFile": "/var/run/token" } } }""")).Key);
    }

    [Fact]
    public void Redshift_is_where_the_connection_string_says_or_the_secret()
    {
        Assert.Equal("Warehouse:Redshift", Assert.Single(ErrorsOf(On("Database=dev", ""))).Key);
        var loads = Load(On("Host=lake;Username=etl", "")).Loads.ToConnection();
        Assert.Equal(("lake", 5439, SslMode.Require), (loads.Host, loads.Port, loads.SslMode));

        var usual = Load(On("SSL Mode=VerifyFull;Timeout=5", "lake/redshift")).Loads.ToConnection();
        var told = SecretConnection.Read(OfFields(new { username = "etl", password = "s3cret", host = "lake", port = 5440, dbname = "dev" }), usual);
        Assert.Equal("Port=5440;SSL Mode=VerifyFull;Timeout=5;Host=lake;Username=etl;Password=s3cret;Database=dev", told.ConnectionString);
        Assert.Contains("has no field 'host'", Assert.Throws<SecretException>(() => SecretConnection.Read(OfFields(new { username = "etl", password = "s3cret" }), usual)).Message, StringComparison.Ordinal);

        static Secret OfFields(object fields) => new("lake/redshift", JsonSerializer.SerializeToElement(fields));
        static string On(string redshift, string secret) => JsonSerializer.Serialize(new { Warehouse = new { Dialect = "redshift", Redshift = redshift, Secret = secret, Staging = "s3://lake/staging/", IamRole = "arn:aws:iam::123456789012:role/copy" } });
    }

    [Fact]
    public void The_rules_of_a_gate_are_checked_each_by_its_place()
    {
        var errors = ErrorsOf("""
            { "Pipelines": { "gate": { "Kind": "quality-gate", "Options": {
              "Output": "local://quality/good/",
              "Rules": [
                { "Name": "price", "Kind": "Range", "Columns": ["price"], "Min": 0, "Threshold": 0.01, "Action": "stop" },
                { "Name": "price", "Kind": "Range", "Columns": ["price"], "Max": "much" },
                { "Name": "fresh", "Kind": "Freshness", "Columns": "day", "MaxAge": "1.00:00:00", "Action": "Quarantine" },
                { "Name": "mine", "Kind": "Record" }
              ],
              "References": [{ "Name": "temp_data", "Object": "somewhere" }]
            } } } }
            """);

        Assert.Equal(
            ["References:0:Name", "References:0:Object", "Rules:1:Max", "Rules:1:Name", "Rules:2:Action", "Rules:3:Name"],
            errors.Select(error => error.Key["Pipelines:gate:Options:".Length..]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_connection_string_is_never_shown()
    {
        var errors = ErrorsOf("""{ "ConnectionStrings": { "Hub": "Host=db;Passwort=geheim" } }""");

        Assert.DoesNotContain("geheim", Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_pipelines_may_not_take_objects_away_from_one_place()
    {
        var errors = ErrorsOf("""
            { "Pipelines": {
              "a": { "Kind": "csv-to-warehouse", "Trigger": { "Object": "local://inbox/csv/" }, "Options": { "Table": "a" } },
              "b": { "Kind": "csv-to-warehouse", "Trigger": { "Object": "local://inbox/csv/b/" }, "Options": { "Table": "b" } }
            } }
            """);

        Assert.Equal("Pipelines:b:Trigger:Object", Assert.Single(errors).Key);
    }

    [Fact]
    public void The_data_folder_goes_over_the_program_and_an_environment_variable_over_both()
    {
        const string variable = "Pipelines__orders__Options__Key";
        Environment.SetEnvironmentVariable(variable, "order_id");
        try
        {
            var settings = Load("""
                { "Pipelines": {
                  "csv-to-warehouse": { "Options": { "Table": "people" } },
                  "orders": { "Kind": "csv-to-warehouse", "Options": { "Table": "orders", "Key": "id" } }
                } }
                """);

            Assert.Equal("people", (string?)settings.Find("csv-to-warehouse").Options["Table"]);
            Assert.Equal("user_id", (string?)settings.Find("csv-to-warehouse").Options["Key"]);
            Assert.Equal("order_id", (string?)settings.Find("orders").Options["Key"]);
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Fact]
    public void A_file_that_is_not_JSON_is_named()
    {
        var data = new DataFolder(_folder.Path);
        File.WriteAllText(data.SettingsFile, "{ \"Pipelines\": ");

        Assert.Contains(data.SettingsFile, Assert.Throws<UsageException>(() => Settings.Sources(data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_of_AWS_is_local_at_AWS_or_at_an_address_and_a_topic_is_an_ARN()
    {
        var errors = ErrorsOf("""
            {
              "Aws": { "Endpoints": { "Glue": "nearby", "S3": "local", "SNS": "http://127.0.0.1:4566" } },
              "Pipelines": { "csv-to-warehouse": { "Options": { "Topic": "runs" } } }
            }
            """);

        Assert.Equal(
            ["Aws:Endpoints:Glue", "Aws:Endpoints:S3", "Pipelines:csv-to-warehouse:Options:Topic"],
            errors.Select(error => error.Key).Order(StringComparer.Ordinal));
        Assert.Equal("Aws:Endpoints:Glue is 'nearby': write local for the stand-in, aws for AWS itself, or an address such as http://127.0.0.1:4566", Find(errors, "Aws:Endpoints:Glue"));
    }

    [Fact]
    public void A_host_file_is_read_as_settings_are()
    {
        var errors = new SettingErrors();
        var file = _folder.File("host.json");
        File.WriteAllText(file, """
            { "version": "2.0", "extensions": { "durableTask": {
              "hubName": "My Hub", "maxConcurrentActivityFunctions": 0, "leaseDuration": "15", "maxQueuePollingInterval": "x" } } }
            """);

        HostSettings.Load(file, errors);

        Assert.Equal(
            ["host.json:extensions:durableTask:hubName", "host.json:extensions:durableTask:leaseDuration", "host.json:extensions:durableTask:maxConcurrentActivityFunctions", "host.json:extensions:durableTask:maxQueuePollingInterval"],
            errors.All.Select(error => error.Key).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("NonRunningStates", true)]
    [InlineData("AnyState", false)]
    public void A_host_file_does_not_let_a_start_take_the_place_of_a_run_that_is_under_way(string states, bool isTaken)
    {
        var errors = new SettingErrors();
        var file = _folder.File("host.json");
        File.WriteAllText(file, $$"""{ "extensions": { "durableTask": { "OverridableExistingInstanceStates": "{{states}}" } } }""");

        HostSettings.Load(file, errors);

        Assert.Equal(isTaken ? [] : ["host.json:extensions:durableTask:overridableExistingInstanceStates"], errors.All.Select(error => error.Key));
    }

    [Fact]
    public void Settings_within_settings_are_read_and_each_error_names_its_place()
    {
        var errors = new SettingErrors();
        var read = SettingsReader.Read<Nested>(
            (JsonObject)JsonNode.Parse("""{ "Share": "0.25", "Rules": [{ "Name": "a", "Most": 1.5 }, { "Name": "b", "Mots": 1 }], "Limits": { "Most": "many" } }""")!, "Options", errors);

        Assert.Equal((0.25m, 2, "a", 1.5), (read.Share, read.Rules.Count, read.Rules[0].Name, read.Rules[0].Most));
        Assert.Equal(
            ["Options:Rules:1:Mots is '1': there is no such setting; here there are Most, Name", "Options:Limits:Most is 'many': write a number"],
            errors.All.Select(error => error.ToString()));
    }

    [Fact]
    public void A_list_of_settings_that_is_none_is_refused()
    {
        var errors = new SettingErrors();

        SettingsReader.Read<Nested>((JsonObject)JsonNode.Parse("""{ "Rules": "a", "Limits": [1] }""")!, "", errors);

        Assert.Equal(["Rules is 'a': write a list of sections with Name, Most", "Limits is '[1]': write a section with Name, Most"], errors.All.Select(error => error.ToString()));
    }

    [Theory]
    [InlineData("""{ "Storage": { "Account": "Contoso_1" } }""", "Azure:Storage:Account")]
    [InlineData("""{ "Storage": { "Endpoint": "https://contoso.blob.core.windows.net", "Secret": "storage" } }""", "Azure:Storage:Account")]
    [InlineData("""{ "Storage": { "Account": "contoso", "Endpoint": "http://contoso.blob.core.windows.net", "Secret": "storage" } }""", "Azure:Storage:Endpoint")]
    [InlineData("""{ "Storage": { "Account": "contoso", "Endpoint": "https://contoso.blob.core.windows.net?sig=x" } }""", "Azure:Storage:Endpoint")]
    [InlineData("""{ "Storage": { "Endpoint": "http://127.0.0.1:10000/contoso" } }""", "Azure:Storage:Secret")]
    [InlineData("""{ "KeyVault": "orders" }""", "Azure:KeyVault")]
    [InlineData("""{ "Identity": { "Kind": "Somebody" } }""", "Azure:Identity:Kind")]
    [InlineData("""{ "Storage": { "Account": "contoso", "Key": "x" } }""", "Azure:Storage:Key")]
    public void What_leads_nowhere_on_azure_is_named(string azure, string key) =>
        Assert.Equal([key], ErrorsOf($$"""{ "Azure": {{azure}} }""").Select(error => error.Key));

    [Fact]
    public void Secrets_in_a_vault_need_one() =>
        Assert.Contains("KeyVault", Find(ErrorsOf("""{ "Secrets": { "Store": "KeyVault" } }"""), "Azure:KeyVault"), StringComparison.Ordinal);

    [Fact]
    public void An_account_on_azure_is_where_its_name_says_unless_told_otherwise()
    {
        var azure = Load("""{ "Azure": { "Identity": { "Kind": "ManagedIdentity", "ClientId": "made-up" }, "Storage": { "Account": "contoso" }, "KeyVault": "https://orders.vault.azure.net" } }""").Azure;

        Assert.Equal(("https://contoso.blob.core.windows.net/", "https://orders.vault.azure.net/"), (azure.Storage!.Endpoint.AbsoluteUri, azure.KeyVault!.AbsoluteUri));
        Assert.Equal(new(AzureIdentityKind.ManagedIdentity, "made-up"), azure.Identity);
        Assert.Equal("http://127.0.0.1:10000/contoso", Load("""{ "Azure": { "Storage": { "Account": "contoso", "Endpoint": "http://127.0.0.1:10000/contoso", "Secret": "local/storage" } } }""").Azure.Storage!.Endpoint.AbsoluteUri);
    }

    [Fact]
    public void The_settings_the_program_comes_with_are_right() => Load("{}");

    private sealed record Nested
    {
        public decimal Share { get; init; }

        public IReadOnlyList<Item> Rules { get; init; } = [];

        public Item? Limits { get; init; }
    }

    private sealed record Item
    {
        public string Name { get; init; } = "";

        public double? Most { get; init; }
    }

    private IReadOnlyList<SettingError> ErrorsOf(string json) => Assert.Throws<SettingsException>(() => Load(json)).Errors;

    private Settings Load(string json)
    {
        var data = new DataFolder(_folder.Path);
        File.WriteAllText(data.SettingsFile, JsonNode.Parse(json)!.ToJsonString());
        return Settings.Load(Settings.Sources(data));
    }

    private static string Find(IEnumerable<SettingError> errors, string key) => errors.Single(error => error.Key == key).ToString();
}
