using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>One page of a listing.</summary>
/// <param name="Next">Where the next page begins; empty after the last one.</param>
internal sealed record BlobPage(IReadOnlyList<ObjectInfo> Objects, string Next)
{
    /// <summary>A name may hold what XML forbids as text; what it forbids altogether comes escaped.</summary>
    private static readonly XmlReaderSettings Lenient = new() { CheckCharacters = false, DtdProcessing = DtdProcessing.Prohibit };

    public static BlobPage Read(ObjectAddress prefix, Stream answer)
    {
        using var reader = XmlReader.Create(answer, Lenient);
        var page = XDocument.Load(reader, LoadOptions.PreserveWhitespace).Root!;
        return new(
            [.. page.Elements("Blobs").Elements("Blob").Where(IsObject).Select(blob => Describe(prefix, blob))],
            page.Element("NextMarker")?.Value ?? "");
    }

    /// <summary>Folders are objects too: of a slash at the end where tools made them, of a type where names are hierarchical.</summary>
    private static bool IsObject(XElement blob) => !NameOf(blob).EndsWith('/') && blob.Element("Properties")?.Element("ResourceType")?.Value != "directory";

    private static ObjectInfo Describe(ObjectAddress prefix, XElement blob)
    {
        var properties = blob.Element("Properties")!;
        return new(
            prefix.WithKey(NameOf(blob)),
            long.Parse(properties.Element("Content-Length")!.Value, CultureInfo.InvariantCulture),
            BlobProperties.Unquote(properties.Element("Etag")!.Value),
            BlobProperties.Time(properties.Element("Last-Modified")!.Value));
    }

    private static string NameOf(XElement blob)
    {
        var name = blob.Element("Name")!;
        return (string?)name.Attribute("Encoded") == "true" ? Uri.UnescapeDataString(name.Value) : name.Value;
    }
}
