using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Workflow.App.Demo;

/// <summary>
/// Sample data, made up by arithmetic: the same at every run, about nobody. It has in it what real files have: other columns from one
/// file to the next, keys that come again, leading zeros, gaps, and rows that no table can take.
/// </summary>
internal static class Samples
{
    private const string Created = "2024-01-01";
    private static readonly string[] Syllables = ["ka", "lo", "mi", "ren", "sa", "tu", "vel", "zo"];
    private static readonly string[] Countries = ["DE", "FR", "JP", "NO", "PT"];

    /// <summary>Name and content of the CSV files, in the order in which they belong.</summary>
    public static IReadOnlyList<(string Name, byte[] Content)> CsvFiles() =>
    [
        ("users-1.csv", Encoding.UTF8.GetBytes(Users(1, 1_000, withCountry: false))),
        ("users-2.csv", Encoding.UTF8.GetBytes(Users(751, 1_500, withCountry: true) + Unfit)),
        ("users-3.csv.gz", Gzip(Encoding.UTF8.GetBytes('\uFEFF' + Users(1_501, 1_800, withCountry: true).Replace("\n", "\r\n")))),
    ];

    /// <summary>The customers that a JSON file knows: some fields less than the database has, some more, some empty.</summary>
    public static byte[] CustomersJson() => JsonSerializer.SerializeToUtf8Bytes(Enumerable.Range(1, 300).Select(id => new Dictionary<string, object?>
    {
        ["id"] = id,
        ["name"] = id % 7 == 0 ? null : Name(id),
        ["segment"] = id % 3 == 0 ? "business" : "private",
        ["discount"] = id % 5 == 0 ? null : id % 10 / 100m,
    }));

    /// <summary>The customers that the database knows, of which some are not in the file.</summary>
    public static IEnumerable<Customer> Customers() =>
        Enumerable.Range(201, 150).Select(id => new Customer(id, $"{Name(id)} (old)", $"{Name(id)}.{id}@example.com", id % 4 == 0 ? null : id * 10));

    private static string Users(int first, int last, bool withCountry)
    {
        var csv = new StringBuilder("user_id,name,email,postcode,signed_up,last_seen,visits,balance,active");
        csv.Append(withCountry ? ",country\n" : "\n");
        for (var id = first; id <= last; id++)
        {
            var seen = DateTime.Parse(Created, CultureInfo.InvariantCulture).AddMinutes(id * 97);
            csv.Append(CultureInfo.InvariantCulture, $"{id},\"{Name(id)}, {Name(id * 31)}\",{Name(id)}.{id}@example.com,0{id * 37 % 10_000:0000},{seen:yyyy-MM-dd},");
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

    private static string Name(int id)
    {
        var name = $"{Syllables[id % 8]}{Syllables[id / 8 % 8]}{Syllables[id / 64 % 8]}";
        return char.ToUpperInvariant(name[0]) + name[1..];
    }

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

/// <summary>A row of the demo's source table.</summary>
internal sealed record Customer(int Id, string Name, string Email, int? Credit);
