using System.Diagnostics;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Local;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Local;

public sealed class LocalDynamoDbTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Nothing_is_started_until_it_is_used()
    {
        await using var server = Create();
        using var client = server.CreateClient();

        Assert.Null(server.ProcessId);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));

        await UseAsync(client);

        Assert.NotNull(server.ProcessId);
    }

    [Fact]
    public async Task What_was_put_is_there_after_the_server_was_killed()
    {
        await using var server = Create();
        using var client = server.CreateClient();
        await UseAsync(client);
        await PutAsync(client, "before");

        await KillAsync(server);

        await PutAsync(client, "after");
        Assert.Equal(["after", "before"], await KeysAsync(client));
    }

    [Fact]
    public async Task Several_share_one_server_and_the_next_one_starts_it_anew_when_its_owner_has_left()
    {
        var first = Create();
        await using var second = Create();
        using var firstClient = first.CreateClient();
        using var secondClient = second.CreateClient();
        await UseAsync(firstClient);
        await PutAsync(firstClient, "first");
        await PutAsync(secondClient, "second");
        Assert.Null(second.ProcessId);

        var ended = first.ProcessId!.Value;
        await first.DisposeAsync();

        Assert.False(IsRunning(ended));
        Assert.Equal(["first", "second"], await KeysAsync(secondClient));
        Assert.NotNull(second.ProcessId);
    }

    [Fact]
    public async Task Many_that_use_it_at_once_start_it_once()
    {
        var servers = Enumerable.Range(0, 8).Select(_ => Create()).ToArray();

        var ports = await Task.WhenAll(servers.Select(server => LocalPart.OrSkipAsync(() => server.StartAsync(TestContext.Current.CancellationToken))));

        Assert.Single(ports.Distinct());
        Assert.Single(servers, server => server.ProcessId is not null);
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }
    }

    private LocalDynamoDb Create() => new(_folder.Path, TimeProvider.System, NullLogger.Instance);

    private static async Task UseAsync(IAmazonDynamoDB client)
    {
        await LocalPart.OrSkipAsync(() => client.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = "notes",
                BillingMode = BillingMode.PAY_PER_REQUEST,
                KeySchema = [new("id", KeyType.HASH)],
                AttributeDefinitions = [new("id", ScalarAttributeType.S)],
            },
            TestContext.Current.CancellationToken));

        // A table that is being created takes nothing yet.
        await Eventually.TrueAsync(
            async () => (await client.DescribeTableAsync("notes", TestContext.Current.CancellationToken)).Table.TableStatus == TableStatus.ACTIVE);
    }

    private static Task<PutItemResponse> PutAsync(IAmazonDynamoDB client, string key) =>
        client.PutItemAsync("notes", new Dictionary<string, AttributeValue> { ["id"] = new(key) }, TestContext.Current.CancellationToken);

    private static async Task<IEnumerable<string>> KeysAsync(IAmazonDynamoDB client)
    {
        var found = await client.ScanAsync(new ScanRequest("notes"), TestContext.Current.CancellationToken);
        return found.Items.Select(item => item["id"].S).Order(StringComparer.Ordinal);
    }

    private static async Task KillAsync(LocalDynamoDb server)
    {
        using var process = Process.GetProcessById(server.ProcessId!.Value);
        process.Kill();
        await process.WaitForExitAsync();
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
