using Workflow.App.Pipelines;
using Workflow.Cloud.Objects;

namespace Workflow.App.Tests.Pipelines;

public sealed class AreasTests
{
    [Theory]
    [InlineData("local://landing/csv/x.csv", "local://landing/processed/x.csv")]
    [InlineData("local://landing/csv/a/x.csv", "local://landing/processed/a/x.csv")]
    [InlineData("s3://lake/team/csv/2024/01/x.csv", "s3://lake/team/processed/2024/01/x.csv")]
    [InlineData("local://landing/csv/csv/x.csv", "local://landing/processed/csv/x.csv")]
    [InlineData("local://landing/error/a/x.csv", "local://landing/processed/a/x.csv")]
    [InlineData("local://inbox/csv", "local://inbox/processed/csv")]
    [InlineData("local://inbox/a/x.csv", "local://inbox/processed/a/x.csv")]
    public void An_object_keeps_its_path_under_the_area_it_landed_in(string landed, string processed) =>
        Assert.Equal(processed, Areas.In(Areas.Processed, ObjectAddress.Parse(landed)).ToString());

    [Theory]
    [InlineData("local://landing/csv/", false)]
    [InlineData("local://landing/csv/a/", false)]
    [InlineData("local://landing/inbox/", false)]
    [InlineData("local://landing/", true)]
    [InlineData("local://landing/p", true)]
    [InlineData("local://landing/processed/", true)]
    public void A_prefix_that_its_own_processed_objects_would_fall_under_is_found_out(string prefix, bool loops) =>
        Assert.Equal(loops, Areas.FindLoop(ObjectAddress.Parse(prefix)) is not null);
}
