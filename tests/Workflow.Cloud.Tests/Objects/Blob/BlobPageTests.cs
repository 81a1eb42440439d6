using System.Text;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Blob;

namespace Workflow.Cloud.Tests.Objects.Blob;

/// <summary>What Azure itself writes into its listings, and no server here does.</summary>
public sealed class BlobPageTests
{
    private const string Page =
        """
        <?xml version="1.0" encoding="utf-8"?>
        <EnumerationResults ServiceEndpoint="https://contoso.blob.core.windows.net/" ContainerName="landing">
          <Blobs>
            <Blob><Name>csv</Name><Properties><Last-Modified>Wed, 12 Feb 2025 10:00:00 GMT</Last-Modified><Etag>0x1</Etag><ResourceType>directory</ResourceType><Content-Length>0</Content-Length></Properties></Blob>
            <Blob><Name>csv/</Name><Properties><Last-Modified>Wed, 12 Feb 2025 10:00:00 GMT</Last-Modified><Etag>0x2</Etag><Content-Length>0</Content-Length></Properties></Blob>
            <Blob><Name> spaces </Name><Properties><Last-Modified>Wed, 12 Feb 2025 10:00:01 GMT</Last-Modified><Etag>0x3</Etag><Content-Length>5000000000</Content-Length></Properties></Blob>
            <Blob><Name Encoded="true">odd%EF%BF%BE%25.csv</Name><Properties><Last-Modified>Wed, 12 Feb 2025 10:00:02 GMT</Last-Modified><Etag>"0x4"</Etag><Content-Length>1</Content-Length></Properties></Blob>
          </Blobs>
          <NextMarker>2!8!bmV4dA--</NextMarker>
        </EnumerationResults>
        """;

    [Fact]
    public void Objects_are_told_from_folders_and_names_are_whole()
    {
        var page = BlobPage.Read(new("az", "landing", ""), new MemoryStream(Encoding.UTF8.GetBytes(Page)));

        Assert.Equal(
            [
                new ObjectInfo(new("az", "landing", " spaces "), 5_000_000_000, "0x3", new(2025, 2, 12, 10, 0, 1, TimeSpan.Zero)),
                new ObjectInfo(new("az", "landing", "odd\uFFFE%.csv"), 1, "0x4", new(2025, 2, 12, 10, 0, 2, TimeSpan.Zero)),
            ],
            page.Objects);
        Assert.Equal("2!8!bmV4dA--", page.Next);
    }

    [Theory]
    [InlineData("<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>")]
    [InlineData("<EnumerationResults><Blobs/></EnumerationResults>")]
    public void A_last_page_has_no_next(string page) =>
        Assert.Equal("", BlobPage.Read(new("az", "landing", ""), new MemoryStream(Encoding.UTF8.GetBytes(page))).Next);
}
