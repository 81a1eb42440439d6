using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace Workflow.App.Demo;

/// <summary>
/// Users in three files that have in them what real files have: other columns from one file to the next, keys that come again, leading
/// zeros, gaps, and rows that no table can take.
/// </summary>
internal static class CsvToWarehouseSamples
{
    private const string Created = "2024-01-01";
    private static readonly string[] Countries = ["DE", "FR", "JP", "NO", "PT"];

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        var runs = new List<SampleRun>();
        foreach (var (name, content) in Files())
        {
            var address = await target.WriteAsync($"local://landing/csv/samples/{name}", content, cancellation);
            runs.Add(new("csv-to-warehouse", new JsonObject { ["object"] = address }));
        }

        return runs;
    }

    /// <summary>Name and content of the files, in the order in which they belong.</summary>
    private static IReadOnlyList<(string Name, byte[] Content)> Files() =>
    [
        ("users-1.csv", Encoding.UTF8.GetBytes(Users(1, 1_000, withCountry: false))),
        ("users-2.csv", Encoding.UTF8.GetBytes(Users(751, 1_500, withCountry: true) + Unfit)),
        ("users-3.csv.gz", Gzip(Encoding.UTF8.GetBytes('\uFEFF' + Users(1_501, 1_800, withCountry: true).Replace("\n", "\r\n")))),
    ];

    private static string Users(int first, int last, bool withCountry)
    {
        var csv = new StringBuilder("user_id,name,email,postcode,signed_up,last_seen,visits,balance,active");
        csv.Append(withCountry ? ",country\n" : "\n");
        for (var id = first; id <= last; id++)
        {
            var seen = DateTime.Parse(Created, CultureInfo.InvariantCulture).AddMinutes(id * 97);
            csv.Append(CultureInfo.InvariantCulture, $"{id},\"{SampleNames.Of(id)}, {SampleNames.Of(id * 31)}\",{SampleNames.Of(id)}.{id}@example.com,0{id * 37 % 10_000:0000},{seen:yyyy-MM-dd},");
            csv.Append(CultureInfo.InvariantCulture, $"{(id % 11 == 0 ? "" : seen.ToString("yyyy-MM-ddTHH:mm:ssZ"))},{id * 13 % 500},{id * 7919 % 100_000 / 100m:0.00},{(id % 4 == 0 ? "false" : "true")}");
            csv.Append(withCountry ? $",{Countries[id % Countries.Length]}\n" : "\n");
        }

        return csv.ToString();
    }

    /// <summary>A row that is too short, one without a key, one with a quote in the wrong place.</summary>
    private const string Unfit = """
        1501,short row,nobody@example.com
        ,"no, key",nobody@example.com,00000,2024-01-01,,0,0.00,true,DE
        1502,wrong "quote",nobody@example.com,00000,2024-01-01,,0,0.00,true,DE

        """;

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }
}
