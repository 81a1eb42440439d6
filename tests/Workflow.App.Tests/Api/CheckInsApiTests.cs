using System.Net;
using System.Text.Json.Nodes;
using Workflow.Testing;

namespace Workflow.App.Tests.Api;

/// <summary>The check-ins of a user over HTTP.</summary>
public sealed class CheckInsApiTests(PostgresFixture postgres)
{
    private const string Landed = "local://landing/table=dailycheckins/dailycheckins.csv";

    [Fact]
    public async Task A_user_s_check_ins_are_given_in_the_words_of_the_system_before()
    {
        await using var installation = await StartAsync("ned,26 сентября 2019 00:00,4,bizdev\narya,02/28/2018 12:05 AM,1,x\nned,2018-11-26 14:47:36.0429 UTC,0.085,security\n");

        Assert.Equal(
            """{"response":[{"user":"ned","project":"bizdev","hours":4.00,"timestamp":"2019-09-26T00:00:00Z"},{"user":"ned","project":"security","hours":0.09,"timestamp":"2018-11-26T14:47:36.0429Z"}]}""",
            (await GetAsync(installation, "get?user=ned")).Body);
        Assert.Equal("""{"response":[]}""", (await GetAsync(installation, "get?user=nobody")).Body);
        Assert.Equal("""{"response":[]}""", (await GetAsync(installation, "get?user=ned%27%20or%20%271%27=%271")).Body);
    }

    [Theory]
    [InlineData("get")]
    [InlineData("get?user=")]
    [InlineData("get?user")]
    [InlineData("get?name=ned")]
    [InlineData("get?user=ned&user=arya")]
    [InlineData("get?user=ned&top=1")]
    [InlineData("get?user=ned%00")]
    public async Task Anything_else_is_a_bad_request(string path)
    {
        await using var installation = await StartAsync(rows: null);

        Assert.Equal((HttpStatusCode.BadRequest, """{"message":"error bad request"}"""), await GetAsync(installation, path));
    }

    [Fact]
    public async Task Before_the_first_load_nobody_has_checked_in()
    {
        await using var installation = await StartAsync(rows: null);

        Assert.Equal((HttpStatusCode.OK, """{"response":[]}"""), await GetAsync(installation, "get?user=ned"));
        Assert.Equal((HttpStatusCode.OK, """{"checkIns":[],"after":null}"""), await GetAsync(installation, "api/check-ins/ned"));
    }

    [Fact]
    public async Task Pages_follow_each_other_to_the_last_row()
    {
        var rows = Enumerable.Range(1, 6).Select(day => $"{(day == 4 ? "arya" : "ned")},2024-03-0{day} 08:00:00 UTC,{day},p\n");
        await using var installation = await StartAsync(string.Concat(rows));
        var (hours, after, pages) = (new List<int>(), "", 0);
        do
        {
            var page = JsonNode.Parse((await GetAsync(installation, $"api/check-ins/ned?top=2{after}")).Body)!;
            hours.AddRange(page["checkIns"]!.AsArray().Select(row => (int)(decimal)row!["hours"]!));
            after = page["after"] is { } next ? $"&after={next}" : "";
            pages++;
        }
        while (after.Length > 0);

        Assert.Equal([1, 2, 3, 5, 6], hours);
        Assert.Equal(3, pages);
        Assert.Equal(
            """{"checkIns":[{"user":"arya","project":"p","hours":4.00,"timestamp":"2024-03-04T08:00:00Z"}],"after":null}""",
            (await GetAsync(installation, "api/check-ins/arya?top=1")).Body);
    }

    [Theory]
    [InlineData("api/check-ins/ned?after=x")]
    [InlineData("api/check-ins/ned?after=-1")]
    [InlineData("api/check-ins/ned?top=many")]
    [InlineData("api/check-ins/ned%2Farya")]
    [InlineData("api/check-ins/ned%00")]
    public async Task A_page_that_cannot_be_is_a_bad_request(string path)
    {
        await using var installation = await StartAsync(rows: null);

        Assert.Equal(HttpStatusCode.BadRequest, (await GetAsync(installation, path)).Status);
    }

    private async Task<Installation> StartAsync(string? rows)
    {
        var installation = await Installation.CreateAsync(postgres);
        await installation.With("check-ins", "ingest-check-ins", new { schema = "work", table = "hours" }).StartServiceAsync();
        if (rows is not null)
        {
            installation.Drop(Landed, $"user,timestamp,hours,project\n{rows}");
            await installation.RunAsync("check-ins", new { @object = Landed });
        }

        return installation;
    }

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(Installation installation, string path)
    {
        using var http = installation.CreateHttpClient();
        using var answer = await http.GetAsync(path, TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
