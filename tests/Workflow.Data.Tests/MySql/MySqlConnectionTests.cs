using System.Diagnostics;
using Workflow.Data.MySql;
using Workflow.Testing;

namespace Workflow.Data.Tests.MySql;

/// <summary>The client protocol against a real MariaDB; what only MySQL does is in <see cref="LoginTests"/>.</summary>
public sealed class MySqlConnectionTests(MariaDbFixture server) : IAsyncLifetime
{
    private const int FullPacket = 0xFFFFFF;
    private MariaDbDatabase _database = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await server.CreateDatabaseAsync(Cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Statements_and_results_follow_each_other_on_one_connection()
    {
        await using var connection = await OpenAsync();
        await connection.ExecuteAsync("create table t (id int, name varchar(20))", Cancellation);
        await connection.ExecuteAsync("insert into t values (1, 'Grüße 🌍'), (2, ''), (3, null)", Cancellation);
        var rows = await connection.RowsAsync("select * from t order by id", Cancellation);
        Assert.Equal(["1|Grüße 🌍", "2|", "3|∅"], rows.Select(row => string.Join('|', row.Select(value => value ?? "∅"))));
        Assert.Empty(await connection.RowsAsync("select * from t where false", Cancellation));
        await connection.ExecuteAsync("drop table if exists nothing_here", Cancellation);
        Assert.Equal("3", (await connection.RowsAsync("select count(*) from t", Cancellation))[0][0]);
    }

    [Fact]
    public async Task An_error_has_its_number_and_its_text_and_the_connection_goes_on()
    {
        await using var connection = await OpenAsync();
        var error = await Assert.ThrowsAsync<MySqlException>(() => connection.ExecuteAsync("selec 1", Cancellation));
        Assert.Equal((1064, "42000", false), (error.Code, error.SqlState, error.IsTransient));
        Assert.Contains("selec 1", error.Message, StringComparison.Ordinal);
        Assert.Equal("1", (await connection.RowsAsync("select 1", Cancellation))[0][0]);
    }

    [Fact]
    public async Task An_error_in_the_middle_of_a_result_is_thrown()
    {
        await using var connection = await OpenAsync();
        await connection.ExecuteAsync("create table big (id bigint)", Cancellation);
        await connection.ExecuteAsync("insert into big select seq from seq_1_to_100000", Cancellation);
        var result = await connection.QueryAsync("select id, if(id = 90000, (select 1 union select 2), 0) from big", Cancellation);
        var error = await Assert.ThrowsAsync<MySqlException>(async () =>
        {
            while (await result.ReadAsync(Cancellation))
            {
                continue;
            }
        });
        Assert.Equal(1242, error.Code);
    }

    [Theory]
    [InlineData(250)]
    [InlineData(251)]
    [InlineData(65_536)]
    [InlineData(FullPacket - 5)]
    [InlineData(FullPacket - 4)] // with its length in front, exactly one full packet: an empty one follows
    [InlineData(FullPacket - 3)]
    [InlineData(2 * FullPacket)]
    [InlineData(40_000_000)]
    public async Task A_field_of_any_length_arrives(int length)
    {
        await using var connection = await OpenAsync();
        var result = await connection.QueryAsync($"select repeat('x', {length}), 'end'", Cancellation);
        Assert.True(await result.ReadAsync(Cancellation));
        var texts = result.Texts();
        Assert.Equal((length, "end"), (texts[0]!.Length, texts[1]));
        Assert.False(await result.ReadAsync(Cancellation));
    }

    [Fact]
    public async Task A_statement_beyond_sixteen_megabytes_is_sent()
    {
        await using var connection = await OpenAsync();
        Assert.Equal("20000000", (await connection.RowsAsync($"select length('{new string('x', 20_000_000)}')", Cancellation))[0][0]);
    }

    [Fact]
    public async Task Rows_are_streamed_and_what_is_not_read_is_not_waited_for()
    {
        var watch = Stopwatch.StartNew();
        await using (var connection = await OpenAsync())
        {
            // A result without an end in sight: gathered anywhere, it would never begin.
            var result = await connection.QueryAsync("select seq, concat('name ', seq) from seq_1_to_1000000000000", Cancellation);
            for (var row = 1; row <= 200_000; row++)
            {
                Assert.True(await result.ReadAsync(Cancellation));
            }

            Assert.Equal("200000|name 200000", string.Join('|', result.Texts()));
        }

        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_statement_that_is_cancelled_ends_on_the_server_too()
    {
        uint id;
        await using (var connection = await OpenAsync())
        {
            id = connection.Id;
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var sleep = connection.RowsAsync("select sleep(1000)", source.Token);
            await Eventually.TrueAsync(async () => await CountAsync($"id = {id} and info like 'select sleep%'") == "1", cancellation: Cancellation);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleep);
        }

        await Eventually.TrueAsync(async () => await CountAsync($"id = {id}") == "0", cancellation: Cancellation);
    }

    [Fact]
    public async Task A_connection_that_is_cut_off_may_be_tried_again()
    {
        await using var connection = await OpenAsync();
        var sleep = connection.RowsAsync("select sleep(1000)", Cancellation);
        await Eventually.TrueAsync(async () => await CountAsync($"id = {connection.Id} and info like 'select sleep%'") == "1", cancellation: Cancellation);
        await _database.ExecuteAsync($"kill {connection.Id}");
        Assert.True((await Assert.ThrowsAsync<MySqlException>(() => sleep)).IsTransient);
    }

    [Fact]
    public async Task A_server_out_of_reach_may_be_tried_again_and_is_named()
    {
        var error = await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(_database.Address with { Port = FreePort.Next() }, Cancellation));
        Assert.True(error.IsTransient);
        Assert.Contains("127.0.0.1", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_database.Address.Password, error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pässword'")]
    [InlineData("")]
    public async Task A_user_proves_the_password(string password)
    {
        var user = await _database.CreateUserAsync("select", password: password);
        await using var connection = await MySqlConnection.OpenAsync(user, Cancellation);
        Assert.StartsWith($"{user.User}@", (await connection.RowsAsync("select current_user()", Cancellation))[0][0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_for_good()
    {
        var user = await _database.CreateUserAsync("select");
        var error = await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(user with { Password = "another" }, Cancellation));
        Assert.Equal((1045, false), (error.Code, error.IsTransient));
    }

    [Theory]
    [InlineData(MySqlTls.Disabled, false)]
    [InlineData(MySqlTls.Preferred, true)]
    [InlineData(MySqlTls.Required, true)]
    public async Task A_connection_is_encrypted_where_the_server_offers_it(MySqlTls tls, bool encrypted)
    {
        await using var connection = await MySqlConnection.OpenAsync(_database.Address with { Tls = tls }, Cancellation);
        Assert.Equal(encrypted, (await connection.RowsAsync("show session status like 'Ssl_cipher'", Cancellation))[0][1]!.Length > 0);
    }

    [Fact]
    public async Task A_user_that_must_be_encrypted_is()
    {
        var user = await _database.CreateUserAsync("select", "identified by '{0}' require ssl");
        await (await MySqlConnection.OpenAsync(user, Cancellation)).DisposeAsync();
        Assert.Equal(1045, (await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(user with { Tls = MySqlTls.Disabled }, Cancellation))).Code);
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_where_it_is_to_be_checked()
    {
        var error = await Assert.ThrowsAsync<MySqlException>(() => MySqlConnection.OpenAsync(_database.Address with { Tls = MySqlTls.VerifyIdentity }, Cancellation));
        Assert.Contains("certificate", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task An_address_does_not_print_its_password() => await Task.Run(() => Assert.DoesNotContain(_database.Address.Password, $"{_database.Address}", StringComparison.Ordinal), Cancellation);

    private Task<MySqlConnection> OpenAsync() => MySqlConnection.OpenAsync(_database.Address, Cancellation);

    private async Task<string> CountAsync(string condition) => (await _database.QueryAsync($"select count(*) from information_schema.processlist where {condition}"))[0];
}
