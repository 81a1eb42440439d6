using Workflow.Data.Merge;
using Workflow.Data.MySql;
using Workflow.Data.Postgres;
using Workflow.Data.Sources;
using Workflow.Data.Tests.Warehouse;
using Workflow.Testing;

namespace Workflow.Data.Tests.Merge;

/// <summary>What is merged is the table's and the file's doing, not that of the database's make or of how many connections read it.</summary>
public sealed class ParallelMergeTests(TestWarehouse warehouse, MariaDbFixture mariaDb) : IClassFixture<TestWarehouse>, IDisposable
{
    private const int Rows = 60_000;
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_output_is_the_same_from_every_database_however_many_connections_read()
    {
        var json = _folder.Write("source.json", "[" + string.Join(',', Enumerable.Range(1, 5_000).Select(n => $$"""{"id":{{n * 7 % 40_003}},"mark":"m{{n}}","name":{{(n % 3 == 0 ? "\"file\"" : "null")}}}""")) + "]");
        var schema = warehouse.NewSchema();
        await using var postgres = new PostgresSource(Npgsql.NpgsqlDataSource.Create(warehouse.ConnectionString));
        await warehouse.ExecuteAsync($"create schema {schema}; create table {schema}.source as select seq, seq * 13 % 30000 as id, 'name ' || seq as name, (seq / 8.0)::numeric(12,3) as credit, repeat('x', 30) as filler from generate_series(1, {Rows}) seq order by seq");
        var database = await mariaDb.CreateDatabaseAsync(Cancellation);
        await using var mySql = new MySqlSource(database.Address);
        await database.ExecuteAsync("create table source (seq int primary key, id int, name varchar(20), credit decimal(12,3), filler varchar(30))", $"insert into source select seq, seq * 13 % 30000, concat('name ', seq), seq / 8, repeat('x', 30) from seq_1_to_{Rows}");

        var (expected, alone) = await MergeAsync(postgres, schema, json, reads: 1);
        Assert.Equal(1, alone.ParallelReads);
        foreach (var (source, name, reads) in new (ISourceDatabase, string?, int)[] { (postgres, schema, 3), (mySql, null, 1), (mySql, null, 4) })
        {
            var (output, merged) = await MergeAsync(source, name, json, reads);
            Assert.Equal(reads, merged.ParallelReads);
            Assert.Equal(expected, output);
            Assert.Equal((alone.Matched, alone.DatabaseOnly, alone.DatabaseRows), (merged.Matched, merged.DatabaseOnly, merged.DatabaseRows));
            Assert.Equal(alone.FirstDatabaseOnly, merged.FirstDatabaseOnly);
        }
    }

    private async Task<(string Output, MergeResult Result)> MergeAsync(ISourceDatabase source, string? schema, string json, int reads)
    {
        var output = _folder.File("merged.csv");
        var merged = await new SourceMerge(source).RunAsync(
            new() { JsonFile = json, Table = new(schema, "source"), ParallelReads = reads, Output = output, ScratchFolder = _folder.Path }, Cancellation);
        return (await File.ReadAllTextAsync(output, Cancellation), merged);
    }
}
