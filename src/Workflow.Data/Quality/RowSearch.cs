using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>
/// Finds bad rows by queries and by C#, and notes them in <c>quality_hits</c>. Reading and noting go through two connections: the one
/// that others' SQL runs on never writes.
/// </summary>
/// <param name="rowCount">Rows in <c>temp_data</c>.</param>
internal sealed class RowSearch(DuckDbDatabase database, long rowCount, CancellationToken cancellation) : IDisposable
{
    // A join may give a row several times; one that forgot its condition would fill the disk.
    private const int MostTimesEachRow = 100;

    private readonly DuckDbConnection _reading = database.Connect();
    private readonly DuckDbConnection _noting = database.Connect();

    /// <summary>Notes the rows of a query.</summary>
    /// <param name="reason">Of each row; null where the query has a column for it.</param>
    /// <param name="limit">How long it may take.</param>
    /// <returns>Null, or how many rows the query gives where they cannot be told.</returns>
    /// <exception cref="RuleException">The query is no SELECT, or it takes longer.</exception>
    public long? Collect(int rule, string sql, string? reason, TimeSpan limit)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timed.CancelAfter(limit);
        try
        {
            return Read(sql, rows => Note(rows, rule, reason, timed.Token), timed.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RuleException($"The rule was still running after {limit}. Make its query cheaper, or give it a longer Timeout.");
        }
    }

    /// <summary>Shows each record to each rule, in one pass.</summary>
    /// <returns>The rules that could not be run, with why.</returns>
    public IReadOnlyDictionary<int, Exception> Collect(IReadOnlyDictionary<int, RecordRule> rules)
    {
        var crashes = new Dictionary<int, Exception>();
        if (rules.Count == 0)
        {
            return crashes;
        }

        try
        {
            Read($"select * from {QualityRules.Table}", rows => Check(rows, rules, crashes), cancellation);
        }
        catch (DuckDbException unreadable)
        {
            // A value that C# has no type for, or a column that is not what its type says: no rule saw all records.
            return rules.ToDictionary(rule => rule.Key, _ => (Exception)unreadable);
        }

        return crashes;
    }

    public void Dispose()
    {
        _reading.Dispose();
        _noting.Dispose();
    }

    private long? Note(DuckDbResult rows, int rule, string? reason, CancellationToken stop)
    {
        var row = IndexOf(rows, QualityRules.RowColumn, DuckDbTypeId.BigInt);
        var reasons = reason is null ? IndexOf(rows, "reason", DuckDbTypeId.Varchar) : -1;
        if (row < 0)
        {
            return Count(rows, stop);
        }

        long noted = 0;
        using var hits = _noting.Append("quality_hits");
        while (rows.NextChunk(stop) is { } chunk)
        {
            using (chunk)
            {
                for (var index = 0; index < chunk.RowCount; index++)
                {
                    if (!chunk.Column(row).IsNull(index))
                    {
                        if (noted++ >= MostTimesEachRow * rowCount)
                        {
                            throw new RuleException($"The query gives more than {MostTimesEachRow} rows for each row of {QualityRules.Table}. Look for a join without its condition.");
                        }

                        Note(hits, rule, chunk.Column(row).Raw<long>()[index], reason ?? (string?)chunk.Column(reasons).Value(index));
                    }
                }
            }
        }

        hits.Complete();
        return null;
    }

    private long? Check(DuckDbResult rows, IReadOnlyDictionary<int, RecordRule> rules, Dictionary<int, Exception> crashes)
    {
        var row = IndexOf(rows, QualityRules.RowColumn, DuckDbTypeId.BigInt);
        var record = new DataRecord(rows.Columns.Select(column => column.Name));
        using var hits = _noting.Append("quality_hits");
        foreach (var values in rows.Rows(cancellation))
        {
            record.Take(values);
            foreach (var (index, rule) in rules)
            {
                if (!crashes.ContainsKey(index) && Violation(rule, record, index, crashes) is { } violation)
                {
                    Note(hits, index, (long)values[row]!, violation.Reason);
                }
            }
        }

        hits.Complete();
        return null;
    }

    /// <summary>Whatever a rule throws is that rule's failure alone.</summary>
    private static Violation? Violation(RecordRule rule, DataRecord record, int index, Dictionary<int, Exception> crashes)
    {
        try
        {
            return rule.Check(record);
        }
        catch (Exception broken) when (broken is not OperationCanceledException)
        {
            crashes.Add(index, broken);
            return null;
        }
    }

    private long? Read(string sql, Func<DuckDbResult, long?> read, CancellationToken stop)
    {
        _reading.Execute("begin transaction read only", stop);
        try
        {
            using var statement = _reading.Prepare(sql);
            if (!statement.IsSelect)
            {
                throw new RuleException("The query is not a SELECT; a rule only selects rows.");
            }

            statement.Bind();
            using var rows = statement.Query(stop);
            return read(rows);
        }
        finally
        {
            _reading.Execute("rollback", CancellationToken.None);
        }
    }

    private static long Count(DuckDbResult rows, CancellationToken stop)
    {
        long count = 0;
        while (rows.NextChunk(stop) is { } chunk)
        {
            using (chunk)
            {
                count += chunk.RowCount;
            }
        }

        return count;
    }

    private static void Note(DuckDbAppender hits, int rule, long row, string? reason)
    {
        hits.Append(rule);
        hits.Append(row);
        if (reason is null)
        {
            hits.AppendNull();
        }
        else
        {
            hits.Append(reason);
        }

        hits.EndRow();
    }

    private static int IndexOf(DuckDbResult rows, string name, DuckDbTypeId type)
    {
        for (var index = 0; index < rows.Columns.Count; index++)
        {
            if (rows.Columns[index].Type.Id == type && rows.Columns[index].Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return index;
            }
        }

        return -1;
    }
}
