using Workflow.Data.DuckDb;

namespace Workflow.Data.Tests.DuckDb;

public sealed class DuckDbAppenderTests : IDisposable
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());
    private readonly DuckDbConnection _connection;

    public DuckDbAppenderTests() => _connection = _database.Connect();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void Every_type_comes_back_as_it_was_appended()
    {
        _connection.Execute("""
            create table t (a boolean, b tinyint, c smallint, d integer, e bigint, f hugeint, g float, h double, i decimal(4,1), j decimal(9,2),
                            k decimal(18,3), l decimal(38,4), m varchar, n blob, o date, p time, q timestamp, r timestamptz, s uuid, u interval)
            """, Cancellation);
        var guid = Guid.Parse("ffeeddcc-bbaa-9988-7766-554433221100");
        using (var appender = _connection.Append("t"))
        {
            appender.Append(true);
            appender.Append(-1);
            appender.Append(-2);
            appender.Append(-3);
            appender.Append(long.MaxValue);
            appender.Append(Int128.MaxValue);
            appender.Append(1.5f);
            appender.Append(0.1);
            appender.AppendUnscaled(-12);
            appender.AppendUnscaled(1250);
            appender.AppendUnscaled(1001);
            appender.AppendUnscaled(Int128.Parse("99999999999999999999"));
            appender.Append("longer than twelve bytes: Grüße");
            appender.Append([0, 255]);
            appender.Append(new DateOnly(1969, 1, 1));
            appender.Append(new TimeOnly(1, 2, 3));
            appender.Append(new DateTime(2024, 1, 2, 3, 4, 5));
            appender.Append(new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)));
            appender.Append(guid);
            appender.Append(new DuckDbInterval(1, 2, 3));
            appender.EndRow();
            appender.Complete();
        }

        using var result = _connection.Query("select * from t", Cancellation);
        Assert.Equal(
            [
                true, (sbyte)-1, (short)-2, -3, long.MaxValue, Int128.MaxValue, 1.5f, 0.1, -1.2m, 12.50m, 1.001m, 9999999999999999.9999m,
                "longer than twelve bytes: Grüße", new byte[] { 0, 255 }, new DateOnly(1969, 1, 1), new TimeOnly(1, 2, 3), new DateTime(2024, 1, 2, 3, 4, 5),
                new DateTimeOffset(2024, 1, 2, 1, 4, 5, TimeSpan.Zero), guid, new DuckDbInterval(1, 2, 3),
            ],
            Assert.Single(result.Rows(Cancellation).ToList()));
    }

    [Fact]
    public void Nulls_and_texts_are_right_across_many_chunks()
    {
        _connection.Execute("create table t (i bigint, s varchar)", Cancellation);
        using (var appender = _connection.Append("t"))
        {
            for (var i = 0L; i < 10_001; i++)
            {
                appender.Append(i);
                if (i % 7 == 0)
                {
                    appender.AppendNull();
                }
                else
                {
                    appender.Append($"the text of row {i}");
                }

                appender.EndRow();
            }

            appender.Complete();
        }

        Assert.Equal(10_001L, _connection.Scalar("select count(*) from t", Cancellation));
        Assert.Equal(0L, _connection.Scalar("select count(*) from t where s is distinct from case when i % 7 <> 0 then 'the text of row ' || i end", Cancellation));
    }

    [Fact]
    public void Rows_not_completed_are_dropped()
    {
        _connection.Execute("create table t (i integer)", Cancellation);
        using (var appender = _connection.Append("t"))
        {
            appender.Append(1);
            appender.EndRow();
        }

        Assert.Equal(0L, _connection.Scalar("select count(*) from t", Cancellation));
    }

    [Fact]
    public void A_row_of_the_wrong_shape_is_refused()
    {
        _connection.Execute("create table t (i integer, s varchar)", Cancellation);
        using var appender = _connection.Append("t");
        appender.Append(1);
        Assert.Throws<DuckDbException>(appender.EndRow);
        Assert.Throws<DuckDbException>(() => appender.Append(2));
    }

    [Fact]
    public void A_number_too_big_for_its_column_is_refused()
    {
        _connection.Execute("create table t (i integer)", Cancellation);
        using var appender = _connection.Append("t");
        Assert.Throws<OverflowException>(() => appender.Append(1L << 40));
    }

    [Fact]
    public void Text_that_is_not_UTF8_is_refused()
    {
        _connection.Execute("create table t (s varchar)", Cancellation);
        using var appender = _connection.Append("t");
        Assert.Throws<DuckDbException>(() => appender.Append([(byte)'a', 0xFF]));
    }

    [Fact]
    public void A_missing_table_is_named()
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Append("nowhere"));
        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
    }
}
