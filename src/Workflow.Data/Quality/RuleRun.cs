using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>One run of some rules: collects the rows they find bad, then decides what follows.</summary>
internal sealed class RuleRun : IDisposable
{
    private readonly RowSearch _search;
    private readonly DuckDbConnection _connection;
    private readonly DateTimeOffset _now;
    private readonly CancellationToken _cancellation;
    private readonly long _rows;

    public RuleRun(DuckDbDatabase database, DateTimeOffset now, CancellationToken cancellation)
    {
        _connection = database.Connect();
        _now = now;
        _cancellation = cancellation;
        _connection.Execute(SqlText.Read("Quality/hits.sql"), cancellation);
        _rows = (long)_connection.Scalar($"select count(*) from {QualityRules.Table}", cancellation)!;
        _search = new(database, _rows, cancellation);
    }

    public QualityReport Run(IReadOnlyList<QualityRule> rules, IReadOnlyList<RecordRule> records)
    {
        var columns = TableColumns.Read(_connection, QualityRules.Table, _cancellation);
        var registered = records.ToDictionary(record => record.Name);
        var crashes = _search.Collect(rules.Index().Where(rule => rule.Item.Kind == RuleKind.Record).ToDictionary(rule => rule.Index, rule => registered[rule.Item.Name]));
        var results = new RuleResult[rules.Count];
        foreach (var (index, rule) in rules.Index())
        {
            var record = rule.Kind == RuleKind.Record ? registered[rule.Name] : null;
            var named = new RuleResult(
                rule.Name, rule.ErrorType ?? record?.ErrorType ?? DefaultErrorType(rule.Kind), rule.Description ?? record?.Description ?? rule.Name, rule.EffectiveAction, RuleVerdict.Passed, 0, 0);
            results[index] = crashes.TryGetValue(index, out var crash) ? Crashed(named, crash) : Judge(index, rule, named, columns);
            if (results[index].SetsAside)
            {
                _connection.Execute("insert into quality_refusals values (?, ?, ?)", _cancellation, index, results[index].Name, results[index].ErrorType);
            }
        }

        _connection.Execute(SqlText.Read("Quality/views.sql"), _cancellation);
        return new(_rows, (long)_connection.Scalar(SqlText.Read("Quality/count_refused.sql"), _cancellation)!, results);
    }

    public void Dispose()
    {
        _search.Dispose();
        _connection.Dispose();
    }

    private RuleResult Judge(int index, QualityRule rule, RuleResult named, TableColumns columns)
    {
        try
        {
            return rule.Kind switch
            {
                RuleKind.RowCount => JudgeTable(named, Outside(rule, _rows) ? $"{_rows} rows, where {Wanted(rule)}" : null),
                RuleKind.ColumnCount => JudgeTable(named, Outside(rule, columns.Count) ? $"{columns.Count} columns, where {Wanted(rule)}" : null),
                RuleKind.Freshness => JudgeTable(named, Stale(rule, columns)),
                _ => JudgeRows(index, rule, named, columns),
            };
        }
        catch (Exception broken) when (broken is DuckDbException or RuleException)
        {
            return Crashed(named, broken);
        }
    }

    private RuleResult JudgeRows(int index, QualityRule rule, RuleResult named, TableColumns columns)
    {
        if (columns.Count == 0)
        {
            // There is no row to judge, nor a column that a query could name.
            return named;
        }

        long? unidentified = null;
        if (rule.Kind == RuleKind.Sql)
        {
            unidentified = _search.Collect(index, rule.Query!, named.Description, rule.Timeout);
        }
        else if (rule.Kind != RuleKind.Record)
        {
            var referenced = rule.References is null ? null : TableColumns.Read(_connection, rule.References, _cancellation);
            _search.Collect(index, DeclarativeSql.Of(rule, columns, referenced), null, rule.Timeout);
        }

        var count = unidentified ?? (long)_connection.Scalar(SqlText.Read("Quality/count_hits.sql"), _cancellation, index)!;
        var share = count == 0 ? 0 : Math.Min(1, (double)count / Math.Max(_rows, 1));
        var verdict = count == 0 ? RuleVerdict.Passed : share <= rule.Threshold ? RuleVerdict.Tolerated : RuleVerdict.Failed;
        return named with
        {
            Count = count,
            Share = share,
            Verdict = verdict,
            SetsAside = unidentified is null && verdict == RuleVerdict.Failed && named.Action != RuleAction.Warn,
            Note = unidentified > 0 ? $"The query gives no column {QualityRules.RowColumn}, so that its rows cannot be told and none is set aside; select * brings it along." : null,
        };
    }

    private static RuleResult JudgeTable(RuleResult named, string? fault) =>
        fault is null ? named : named with { Verdict = RuleVerdict.Failed, Count = 1, Share = 1, Note = fault };

    private static RuleResult Crashed(RuleResult named, Exception broken) =>
        named with { ErrorType = QualityRules.ExecutionError, Verdict = RuleVerdict.Crashed, Error = broken.Message };

    private string? Stale(QualityRule rule, TableColumns columns)
    {
        var newest = columns.Count == 0 ? null : _connection.Scalar($"select max({DeclarativeSql.Time(columns[rule.Columns[0]])}) from {QualityRules.Table}", _cancellation);
        var age = newest is null ? (TimeSpan?)null : _now.UtcDateTime - (DateTime)newest;
        return age is null ? $"no {rule.Columns[0]} says how old the data are"
            : age > rule.MaxAge ? $"the newest {rule.Columns[0]} is {newest:yyyy-MM-ddTHH:mm:ssZ}, older than {rule.MaxAge}"
            : null;
    }

    private static bool Outside(QualityRule rule, long number) =>
        (rule.Min is not null && number < long.Parse(rule.Min)) || (rule.Max is not null && number > long.Parse(rule.Max));

    private static string Wanted(QualityRule rule) => (rule.Min, rule.Max) switch
    {
        (var min, null) => $"at least {min} are wanted",
        (null, var max) => $"at most {max} are wanted",
        var (min, max) => $"{min} to {max} are wanted",
    };

    /// <summary><c>AllowedValues</c> is <c>ALLOWED_VALUES</c>.</summary>
    private static string DefaultErrorType(RuleKind kind) =>
        string.Concat($"{kind}".Select((letter, index) => index > 0 && char.IsUpper(letter) ? $"_{letter}" : $"{char.ToUpperInvariant(letter)}"));
}
