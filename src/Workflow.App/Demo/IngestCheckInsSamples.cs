using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Workflow.App.Demo;

/// <summary>Check-ins of two days, their timestamps in three forms; some come twice, and some cannot be taken.</summary>
internal static class IngestCheckInsSamples
{
    private const int Rows = 120;

    private static readonly string[] Genitives =
        ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"];

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        var runs = new List<SampleRun>();
        foreach (var day in new[] { new DateTime(2024, 3, 3), new DateTime(2024, 3, 4) })
        {
            var address = $"local://landing/check-ins/table=dailycheckins/year={day.Year}/month={day.Month}/day={day.Day}/dailycheckins.csv";
            runs.Add(new("ingest-check-ins", new JsonObject { ["object"] = await target.WriteAsync(address, File(day), cancellation) }));
        }

        return runs;
    }

    private static byte[] File(DateTime day) => Encoding.UTF8.GetBytes(
        "user,timestamp,hours,project\n" + string.Concat(Enumerable.Range(1, Rows).Select(row => Row(day, row % 30 == 0 ? row - 1 : row))));

    private static string Row(DateTime day, int row) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(row % 50 == 7 ? "" : SampleNames.Of(row % 12).ToLowerInvariant())},{Timestamp(day.AddMinutes(11 * row), row)},{row % 17 / 2m + 0.005m},project-{row % 6:D2}\n");

    private static string Timestamp(DateTime time, int row) => (row % 9) switch
    {
        _ when row == 64 => "30 февраля 2024 10:00",
        0 => time.ToString("MM/dd/yyyy hh:mm tt", CultureInfo.InvariantCulture),
        4 => $"{time.Day} {Genitives[time.Month - 1]} {time:yyyy HH:mm}",
        var digit => time.AddMilliseconds(digit * 111).ToString("yyyy-MM-dd HH:mm:ss.fff 'UTC'", CultureInfo.InvariantCulture),
    };
}
