using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Secrets;

public sealed class LocalSecretStoreTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempFolder _data = new();
    private readonly LocalSecretStore _secrets;

    public LocalSecretStoreTests() => _secrets = new(_data.File("secrets"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_secret_comes_back_with_its_fields_and_is_its_owners_alone()
    {
        await _secrets.PutAsync("orders/database", new Dictionary<string, string> { ["user"] = "reader", ["password"] = "hunter2" }, Cancellation);

        var secret = await _secrets.GetAsync("orders/database", Cancellation);

        Assert.Equal(("reader", "hunter2"), (secret["user"], secret["password"]));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(_data.File("secrets", "orders", "database.json")));
        Assert.Single(Directory.GetFiles(_data.File("secrets", "orders")));
    }

    [Fact]
    public async Task Fields_of_other_types_come_as_their_json()
    {
        await WriteAsync("x", """{"port": 5432, "tls": true, "hosts": ["a", "b"], "none": null}""");

        var secret = await _secrets.GetAsync("x", Cancellation);

        Assert.Equal(("5432", "true", """["a", "b"]"""), (secret["port"], secret["tls"], secret["hosts"]));
        Assert.Null(secret.Find("none"));
    }

    [Fact]
    public async Task A_missing_secret_is_named_with_the_place_it_was_looked_for_and_what_to_do()
    {
        var missing = await Assert.ThrowsAsync<SecretException>(() => _secrets.GetAsync("orders/slack", Cancellation));

        Assert.Contains("'orders/slack'", missing.Message, StringComparison.Ordinal);
        Assert.Contains(_data.File("secrets", "orders", "slack.json"), missing.Message, StringComparison.Ordinal);
        Assert.Contains("chmod 600", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_field_is_named_beside_those_there_are_and_no_value_is_shown()
    {
        await WriteAsync("x", """{"user": "reader", "password": "hunter2"}""");
        var secret = await _secrets.GetAsync("x", Cancellation);

        var missing = Assert.Throws<SecretException>(() => secret["host"]);

        Assert.Equal("The secret 'x' has no field 'host'. It has: password, user.", missing.Message);
        Assert.Equal("secret 'x'", $"{secret}");
    }

    [Theory]
    [InlineData("hunter2")]
    [InlineData("""{"password": hunter2}""")]
    [InlineData("""{"password": "hunter2" """)]
    [InlineData("\"hunter2\"")]
    [InlineData("[\"hunter2\"]")]
    [InlineData("")]
    public async Task What_is_no_json_object_is_refused_without_being_quoted(string content)
    {
        await WriteAsync("x", content);

        var refused = await Assert.ThrowsAsync<SecretException>(() => _secrets.GetAsync("x", Cancellation));

        Assert.Contains("'x'", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_that_others_can_read_is_refused()
    {
        await WriteAsync("x", "{}");
        File.SetUnixFileMode(_data.File("secrets", "x.json"), OwnerOnly | UnixFileMode.GroupRead);

        var refused = await Assert.ThrowsAsync<SecretException>(() => _secrets.GetAsync("x", Cancellation));

        Assert.Contains("chmod 600", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("/etc/x")]
    [InlineData(".hidden")]
    [InlineData("a//b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    public async Task What_is_no_name_is_refused(string name)
    {
        await Assert.ThrowsAsync<SecretException>(() => _secrets.GetAsync(name, Cancellation));
        await Assert.ThrowsAsync<SecretException>(() => _secrets.PutAsync(name, new Dictionary<string, string>(), Cancellation));
    }

    private async Task WriteAsync(string name, string content)
    {
        Directory.CreateDirectory(_data.File("secrets"));
        await File.WriteAllTextAsync(_data.File("secrets", name + ".json"), content, Cancellation);
        File.SetUnixFileMode(_data.File("secrets", name + ".json"), OwnerOnly);
    }
}
