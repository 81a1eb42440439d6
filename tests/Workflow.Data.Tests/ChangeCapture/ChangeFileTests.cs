using Workflow.Data.ChangeCapture;

namespace Workflow.Data.Tests.ChangeCapture;

public sealed class ChangeFileTests
{
    [Theory]
    [InlineData("dms/HR/EMPLOYEES/LOAD00000001.csv", "HR", "EMPLOYEES", true, "LOAD00000001", false)]
    [InlineData("HR/EMPLOYEES/LOAD0000000a.csv.gz", "HR", "EMPLOYEES", true, "LOAD0000000A", false)]
    [InlineData("a/b/HR/EMPLOYEES/20240301-101112123.parquet", "HR", "EMPLOYEES", false, "20240301-101112123", true)]
    [InlineData("HR/EMPLOYEES/20141029-1134010000.csv", "HR", "EMPLOYEES", false, "20141029-1134010000", false)]
    [InlineData("HR/EMPLOYEES/LOAD00001.csv", "HR", "EMPLOYEES", true, "LOAD00001", false)]
    [InlineData("HR/EMPLOYEES/2024/03/01/20240301-101112123.csv", "HR", "EMPLOYEES", false, "20240301-101112123", false)]
    [InlineData("dms/HR/EMPLOYEES/20240301/20240301-101112123.csv", "HR", "EMPLOYEES", false, "20240301-101112123", false)]
    [InlineData("dms/HR/EMPLOYEES/2024-03-01-10/20240301-101112123.csv", "HR", "EMPLOYEES", false, "20240301-101112123", false)]
    [InlineData("dms/HR/EMPLOYEES/2024_03/20240301-101112123.csv", "HR", "EMPLOYEES", false, "20240301-101112123", false)]
    [InlineData("dms/HR/EMPLOYEES/01/03/2024/20240301-101112123.csv", "HR", "EMPLOYEES", false, "20240301-101112123", false)]
    [InlineData("dms/HR/EMPLOYEES/03-2024-01/20240301-101112123.csv", "HR", "EMPLOYEES", false, "20240301-101112123", false)]
    [InlineData("2024/03/HR/EMPLOYEES/LOAD00000001.csv", "HR", "EMPLOYEES", true, "LOAD00000001", false)]
    [InlineData("HR/20240301/LOAD00000001.csv", "HR", "20240301", true, "LOAD00000001", false)]
    public void A_file_is_known_by_its_key(string key, string schema, string table, bool isFullLoad, string stamp, bool isParquet)
    {
        Assert.True(ChangeFile.TryParse(key, out var file));
        Assert.Equal(new ChangeFile(schema, table, isFullLoad, stamp, isParquet), file);
    }

    [Theory]
    [InlineData("HR/EMPLOYEES/readme.txt")]
    [InlineData("HR/EMPLOYEES/20240301.csv")]
    [InlineData("EMPLOYEES/LOAD00000001.csv")]
    [InlineData("LOAD00000001.csv")]
    public void What_is_not_written_by_dms_is_none(string key) => Assert.False(ChangeFile.TryParse(key, out _));

    [Theory]
    [InlineData("changes.csv", true)]
    [InlineData("20240301.PARQUET.gz", true)]
    [InlineData("refused-12ab34cd.csv", false)]
    [InlineData("readme.txt", false)]
    public void What_looks_like_one_is_told_from_what_does_not(string name, bool looks) => Assert.Equal(looks, ChangeFile.LooksLikeOne(name));
}
