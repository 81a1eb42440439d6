using System.Text;

namespace Workflow.Data.DuckDb;

/// <summary>A prepared statement with its bound parameters; may run many times.</summary>
public sealed unsafe class DuckDbStatement : IDisposable
{
    private const byte MaxDecimalWidth = 38;
    private const int SelectStatement = 1;

    private readonly ConnectionHandle _connection;
    private readonly StatementHandle _handle;
    private readonly string _sql;

    internal DuckDbStatement(ConnectionHandle connection, StatementHandle handle, string sql)
    {
        _connection = connection;
        _handle = handle;
        _sql = sql;
    }

    /// <summary>It gives rows and changes nothing, unless by a function it calls.</summary>
    public bool IsSelect => NativeMethods.duckdb_prepared_statement_type(_handle) == SelectStatement;

    public int ParameterCount => (int)NativeMethods.duckdb_nparams(_handle);

    /// <summary>Binds all parameters, in their order.</summary>
    public void Bind(params ReadOnlySpan<object?> values)
    {
        if (values.Length != ParameterCount)
        {
            throw new DuckDbException($"The statement takes {ParameterCount} parameters, {values.Length} were given.", _sql);
        }

        for (var index = 0; index < values.Length; index++)
        {
            BindOne(index + 1, values[index]);
        }
    }

    /// <returns>Rows inserted, updated or deleted.</returns>
    public long Execute(CancellationToken cancellation)
    {
        using var result = Run(streaming: false, cancellation);
        return (long)NativeMethods.duckdb_rows_changed(result.Result);
    }

    /// <summary>Rows are produced as they are read; the connection is busy until the result is disposed.</summary>
    public DuckDbResult Query(CancellationToken cancellation) => new(_connection, Run(streaming: true, cancellation), _sql);

    public void Dispose() => _handle.Dispose();

    private void BindOne(int index, object? value)
    {
        var native = CreateValue(value);
        try
        {
            if (NativeMethods.duckdb_bind_value(_handle, (ulong)index, native) != 0)
            {
                throw new DuckDbException(
                    $"Parameter {index} does not take '{value ?? "null"}': {NativeMethods.Text(NativeMethods.duckdb_prepare_error(_handle))}", _sql);
            }
        }
        finally
        {
            NativeMethods.duckdb_destroy_value(ref native);
        }
    }

    private ResultHandle Run(bool streaming, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        nint pending = 0;
        var result = new ResultHandle();
        try
        {
            var prepared = streaming
                ? NativeMethods.duckdb_pending_prepared_streaming(_handle, out pending)
                : NativeMethods.duckdb_pending_prepared(_handle, out pending);
            if (prepared != 0)
            {
                throw new DuckDbException(NativeMethods.Text(NativeMethods.duckdb_pending_error(pending)), _sql);
            }

            // Only once the query is pending: a query that starts forgets the interrupts before it.
            using (cancellation.Register(() => NativeMethods.duckdb_interrupt(_connection)))
            {
                if (NativeMethods.duckdb_execute_pending(pending, result.Result) != 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                    throw new DuckDbException(NativeMethods.Text(NativeMethods.duckdb_result_error(result.Result)), _sql);
                }
            }

            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
        finally
        {
            NativeMethods.duckdb_destroy_pending(ref pending);
        }
    }

    private static nint CreateValue(object? value) => value switch
    {
        null => NativeMethods.duckdb_create_null_value(),
        bool boolean => NativeMethods.duckdb_create_bool(boolean),
        sbyte or byte or short or ushort or int => NativeMethods.duckdb_create_int32(Convert.ToInt32(value)),
        uint or long => NativeMethods.duckdb_create_int64(Convert.ToInt64(value)),
        ulong number => NativeMethods.duckdb_create_uint64(number),
        Int128 number => NativeMethods.duckdb_create_hugeint(NativeHugeInt.From(number)),
        float number => NativeMethods.duckdb_create_float(number),
        double number => NativeMethods.duckdb_create_double(number),
        decimal number => NativeMethods.duckdb_create_decimal(Decimal(number)),
        string text => CreateText(text),
        byte[] data => CreateBlob(data),
        DateOnly date => NativeMethods.duckdb_create_date(PhysicalValue.Days(date)),
        TimeOnly time => NativeMethods.duckdb_create_time(time.Ticks / TimeSpan.TicksPerMicrosecond),
        DateTime time => NativeMethods.duckdb_create_timestamp(PhysicalValue.Micros(time)),
        DateTimeOffset time => NativeMethods.duckdb_create_timestamp_tz(PhysicalValue.Micros(time.UtcDateTime)),
        DuckDbInterval interval => NativeMethods.duckdb_create_interval(interval),
        // A value is made from the plain 128 bits; only vectors keep the first bit flipped.
        Guid guid => NativeMethods.duckdb_create_uuid(NativeHugeInt.From((Int128)PhysicalValue.Bits(guid))),
        _ => throw new DuckDbException($"A {value.GetType().Name} cannot be a parameter."),
    };

    private static NativeDecimal Decimal(decimal value) =>
        new() { Width = MaxDecimalWidth, Scale = value.Scale, Value = NativeHugeInt.From(PhysicalValue.Unscaled(value)) };

    private static nint CreateText(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text + '\0');
        fixed (byte* bytes = utf8)
        {
            return NativeMethods.duckdb_create_varchar_length(bytes, (ulong)utf8.Length - 1);
        }
    }

    private static nint CreateBlob(byte[] data)
    {
        fixed (byte* bytes = data)
        {
            return NativeMethods.duckdb_create_blob(bytes, (ulong)data.Length);
        }
    }
}
