using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using Amazon.S3.Model;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Azure.Core;
using Azure.Identity;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects.S3;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>From a token of somebody else to signatures that services take: a real issuer, STS and services on loopback.</summary>
public sealed class AwsCredentialsTests : IAsyncLifetime
{
    private const string Audience = "api://aws-workflow";
    private const string Subject = "7d9a0a3c-1111-4222-8333-9b5f6c7d8e90";
    private const string Role = "arn:aws:iam::000000000000:role/workflow";
    private const string SecondRole = "arn:aws:iam::000000000000:role/lake-writer";
    private static readonly Dictionary<string, string> NoAttributes = [];

    private readonly TempFolder _data = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly LogLines _log = new();
    private readonly KnownSecrets _known;
    private LocalOidcIssuer _issuer = null!;
    private AwsStandIn _aws = null!;
    private int _tokens;

    public AwsCredentialsTests() => _known = new(_time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _issuer = await LocalOidcIssuer.StartAsync(Cancellation);
        _aws = await AwsStandIn.StartAsync(_data, _time);
        var provider = new LocalIdentityProvider(_issuer.Issuer, [Audience, "api://another"]);
        await _aws.PutProviderAsync(provider);
        await _aws.PutRoleAsync(new(Role, TrustPolicy.ForEntra(provider.Arn, provider.Name, Audience, Subject)));
    }

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        await _issuer.DisposeAsync();
        _log.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task A_token_of_Azures_identity_becomes_a_session_that_services_take()
    {
        var azure = new Identity(() => Token());
        var endpoints = SignedBy(AwsIdentity.AzureToken(azure, Audience));

        await new SnsClient(endpoints).PublishAsync(new(AwsStandIn.Topic, null, "hello", NoAttributes), Cancellation);
        await new GlueClient(endpoints).FindTableAsync("lake", "orders", Cancellation);

        Assert.Equal([$"{Audience}/.default"], azure.Scopes.Distinct());
        Assert.Single(await _aws.MessagesAsync());
        Assert.Equal("arn:aws:sts::000000000000:assumed-role/workflow/nightly", await CallerAsync(endpoints.Credentials!));
        Assert.Single(azure.Scopes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_a_token_a_call_is_worth_another_try_and_names_the_setting(bool ofAzure)
    {
        var endpoints = SignedBy(ofAzure
            ? AwsIdentity.AzureToken(new Identity(() => throw new AuthenticationFailedException("The managed identity does not answer.")), Audience)
            : AwsIdentity.TokenFile(_data.File("not there")));

        var failed = await Assert.ThrowsAsync<AwsException>(() => new SnsClient(endpoints).PublishAsync(new(AwsStandIn.Topic, null, "hello", NoAttributes), Cancellation));

        Assert.Contains($"no token to assume {Role} with", failed.Message, StringComparison.Ordinal);
        Assert.Contains("Aws:WebIdentity", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_of_a_session_is_shown()
    {
        var credentials = SignedBy(_ => Task.FromResult(Token())).Credentials!;

        var session = await credentials.Credentials!.GetCredentialsAsync();

        Assert.Equal("*** ***", _known.Hide($"{session.SecretKey} {session.Token}"));
    }

    [Theory]
    [InlineData("audience of nobody", "InvalidIdentityToken", "Incorrect token audience")]
    [InlineData("audience of another", "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")]
    [InlineData("subject", "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")]
    [InlineData("issuer", "InvalidIdentityToken", "No OpenIDConnect provider found")]
    [InlineData("expired", "ExpiredTokenException", "must be before the expiration")]
    [InlineData("keys of before", "InvalidIdentityToken", "Couldn't retrieve verification key")]
    [InlineData("signature", "InvalidIdentityToken", "signature is not valid")]
    [InlineData("signed with the public key", "InvalidIdentityToken", "not a valid JWT")]
    [InlineData("no token", "InvalidIdentityToken", "not a valid JWT")]
    [InlineData("role", "AccessDenied", "trust policy of arn:aws:iam::000000000000:role/nobody")]
    public async Task A_token_that_the_trust_policy_is_not_for_opens_nothing(string wrong, string code, string says)
    {
        using var stranger = RSA.Create(2048);
        var header = new JsonObject { ["alg"] = "RS256", ["kid"] = _issuer.KeyId };
        var claims = Claims();
        var token = wrong switch
        {
            "audience of nobody" => Token(("aud", "api://nobody")),
            "audience of another" => Token(("aud", "api://another")),
            "subject" => Token(("sub", "another")),
            "issuer" => Token(("iss", "http://127.0.0.1:9/")),
            "expired" => Token(("exp", _time.GetUtcNow().ToUnixTimeSeconds())),
            "signature" => _issuer.Forge(header, claims, data => stranger.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
            "signed with the public key" => _issuer.Forge(new() { ["alg"] = "HS256", ["kid"] = _issuer.KeyId }, claims, data => HMACSHA256.HashData(Encoding.ASCII.GetBytes(_issuer.PublicKeyPem), data)),
            "no token" => "nonsense",
            _ => Token(),
        };
        if (wrong == "keys of before")
        {
            _issuer.Rotate();
        }

        var endpoints = SignedBy(_ => Task.FromResult(token), wrong == "role" ? "arn:aws:iam::000000000000:role/nobody" : Role);
        var refused = await Assert.ThrowsAnyAsync<AwsException>(() => new SnsClient(endpoints).PublishAsync(new(AwsStandIn.Topic, null, "hello", NoAttributes), Cancellation));

        Assert.Equal(("STS", "AssumeRoleWithWebIdentity", code), (refused.Service, refused.Operation, refused.Code));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Equal(wrong == "expired", refused is not AwsRefusedException);
        Assert.Empty(await _aws.MessagesAsync());
    }

    [Fact]
    public async Task An_issuer_that_is_away_is_nobodys_refusal()
    {
        _issuer.IsAway = true;

        var failed = await Assert.ThrowsAsync<AwsException>(() => SignedBy(_ => Task.FromResult(Token())).Credentials!.Credentials!.GetCredentialsAsync());

        Assert.Equal("IDPCommunicationError", failed.Code);
    }

    [Fact]
    public async Task A_session_is_renewed_five_minutes_before_its_end_once_for_all_who_ask()
    {
        var session = SignedBy(CountedToken).Credentials!.Credentials!;
        var first = await session.GetCredentialsAsync();

        _time.Advance(TimeSpan.FromMinutes(54));
        Assert.Equal(first.AccessKey, (await session.GetCredentialsAsync()).AccessKey);
        Assert.Equal(1, _tokens);

        _time.Advance(TimeSpan.FromMinutes(1));
        var renewed = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => session.GetCredentialsAsync()));
        Assert.Equal(2, _tokens);
        Assert.NotEqual(first.AccessKey, Assert.Single(renewed.Select(one => one.AccessKey).Distinct()));
    }

    [Fact]
    public async Task A_client_outlives_its_sessions()
    {
        var sns = new SnsClient(SignedBy(CountedToken));
        for (var hour = 0; hour < 3; hour++)
        {
            await sns.PublishAsync(new(AwsStandIn.Topic, null, $"{hour}", NoAttributes), Cancellation);
            _time.Advance(TimeSpan.FromHours(1));
        }

        Assert.Equal(["0", "1", "2"], (await _aws.MessagesAsync()).Select(message => message.Text));
        Assert.Equal(3, _tokens);
    }

    [Fact]
    public async Task While_it_cannot_be_renewed_the_old_session_goes_on_to_its_end_and_says_so()
    {
        var endpoints = SignedBy(CountedToken);
        var sns = new SnsClient(endpoints);
        await sns.PublishAsync(new(AwsStandIn.Topic, null, "before", NoAttributes), Cancellation);
        await _aws.FailAsync(new(100, "sts", Code: "AccessDenied", Status: 403));

        _time.Advance(TimeSpan.FromMinutes(56));
        await sns.PublishAsync(new(AwsStandIn.Topic, null, "still", NoAttributes), Cancellation);
        await sns.PublishAsync(new(AwsStandIn.Topic, null, "still", NoAttributes), Cancellation);
        Assert.Single(_log.All, line => line.Contains($"The session of {Role} could not be renewed", StringComparison.Ordinal));

        _time.Advance(TimeSpan.FromMinutes(4));
        var over = await Assert.ThrowsAsync<AwsRefusedException>(() => sns.PublishAsync(new(AwsStandIn.Topic, null, "over", NoAttributes), Cancellation));
        Assert.Equal(("STS", "AccessDenied"), (over.Service, over.Code));

        await _aws.FailAsync(new(0));
        await sns.PublishAsync(new(AwsStandIn.Topic, null, "again", NoAttributes), Cancellation);
    }

    [Fact]
    public async Task A_session_that_has_ended_or_is_not_whole_is_refused_by_every_service()
    {
        var session = await SignedBy(CountedToken).Credentials!.Credentials!.GetCredentialsAsync();

        await AssertRefusedAsync(session.AccessKey, session.SecretKey, "another token", "InvalidClientTokenId");
        await AssertRefusedAsync(session.AccessKey, "another key", session.Token, "SignatureDoesNotMatch");
        _time.Advance(TimeSpan.FromHours(1));
        await AssertRefusedAsync(session.AccessKey, session.SecretKey, session.Token, "ExpiredToken");

        async Task AssertRefusedAsync(string key, string secret, string token, string code)
        {
            using var sts = Sts(new SessionAWSCredentials(key, secret, token));
            Assert.Equal(code, (await Assert.ThrowsAnyAsync<AmazonSecurityTokenServiceException>(() => sts.GetCallerIdentityAsync(new(), Cancellation))).ErrorCode);
        }
    }

    [Theory]
    [InlineData("id-of-the-lake", null)]
    [InlineData("wrong", "AccessDenied")]
    [InlineData(null, "AccessDenied")]
    public async Task Roles_are_assumed_one_after_the_other_with_their_external_ids(string? externalId, string? code)
    {
        await _aws.PutRoleAsync(new(SecondRole, Trust(Role, "id-of-the-lake")));
        var identity = new AwsIdentity(null, null, [new(Role, SessionName: "nightly"), new(SecondRole, externalId)]) { WebToken = _ => Task.FromResult(Token()) };
        var credentials = Credentials(identity);

        if (code is null)
        {
            Assert.Equal("arn:aws:sts::000000000000:assumed-role/lake-writer/workflow", await CallerAsync(credentials));
        }
        else
        {
            var refused = await Assert.ThrowsAsync<AwsRefusedException>(() => CallerAsync(credentials));
            Assert.Equal((code, "AssumeRole"), (refused.Code, refused.Operation));
        }
    }

    [Fact]
    public async Task A_role_is_assumed_with_keys_of_the_account_and_the_token_of_a_file_is_read_each_time()
    {
        await _aws.PutRoleAsync(new(SecondRole, Trust(LocalAws.Root, "x")));
        Assert.Equal("arn:aws:sts::000000000000:assumed-role/lake-writer/workflow", await CallerAsync(Credentials(new(null, null, [new(SecondRole, "x")]))));

        var file = _data.File("token");
        await File.WriteAllTextAsync(file, "too early", Cancellation);
        var fromFile = SignedBy(AwsIdentity.TokenFile(file)).Credentials!;
        await Assert.ThrowsAsync<AwsRefusedException>(() => fromFile.Credentials!.GetCredentialsAsync());
        await File.WriteAllTextAsync(file, $"{Token()}\n", Cancellation);
        await fromFile.Credentials!.GetCredentialsAsync();
    }

    [Fact]
    public async Task The_SDKs_own_clients_sign_with_the_session_in_the_region_of_the_settings()
    {
        var identity = new AwsIdentity("eu-central-1", null, [new(Role)]) { WebToken = _ => Task.FromResult(Token()) };
        var credentials = Credentials(identity);
        using var s3 = S3ObjectStore.CreateClient(new([], () => []), credentials);

        var address = await s3.GetPreSignedURLAsync(new GetPreSignedUrlRequest { BucketName = "lake", Key = "orders.csv", Expires = TimeProvider.System.GetUtcNow().AddMinutes(1).UtcDateTime });

        var session = await credentials.Credentials!.GetCredentialsAsync();
        Assert.StartsWith($"{session.AccessKey}/", Query(address, "X-Amz-Credential"), StringComparison.Ordinal);
        Assert.Contains("/eu-central-1/s3/", Query(address, "X-Amz-Credential"), StringComparison.Ordinal);
        Assert.Equal(session.Token, Query(address, "X-Amz-Security-Token"));
    }

    [Fact]
    public void What_is_real_is_not_shown_to_a_stand_in()
    {
        var atAws = new AwsEndpoints(new Dictionary<string, AwsEndpoint> { ["SNS"] = AwsEndpoint.Local }, () => _aws.Endpoints.LocalAddress, new([], () => []));
        var credentials = new AwsCredentials(new(null, null, [new(Role)]) { WebToken = _ => Task.FromResult("") }, atAws, _known, _time, NullLogger<AwsCredentials>.Instance);

        Assert.Same(LocalAws.Credentials, atAws.SignedBy(credentials).CredentialsFor("SNS"));
        Assert.Same(credentials.Credentials, atAws.SignedBy(credentials).CredentialsFor("Glue"));
        Assert.Null(atAws.SignedBy(new(AwsIdentity.Standard, atAws, _known, _time, NullLogger<AwsCredentials>.Instance)).CredentialsFor("Glue"));
    }

    [Fact]
    public void A_profile_that_is_not_there_is_named()
    {
        var missing = Assert.Throws<AwsRefusedException>(() => Credentials(new(null, $"none-{Guid.NewGuid():N}", [])));

        Assert.Contains("Aws:Profile", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Terraform_gives_the_role_the_policy_that_is_tested_here()
    {
        var identity = File.ReadAllText(Path.Combine(TrustPolicy.Folder, "identity.tf"));

        Assert.Contains("""templatefile("${path.module}/trust/entra.json", {""", identity, StringComparison.Ordinal);
        var statement = TrustPolicy.ForEntra("arn", "issuer/", Audience, Subject)["Statement"]!.AsArray().Single()!;
        Assert.Equal($$$"""{"StringEquals":{"issuer/:aud":"{{{Audience}}}","issuer/:sub":"{{{Subject}}}"}}""", statement["Condition"]!.ToJsonString());
        Assert.Equal("""{"Federated":"arn"}""", statement["Principal"]!.ToJsonString());
        Assert.DoesNotContain("${", TrustPolicy.ForEntra("arn", "issuer/", Audience, Subject).ToJsonString(), StringComparison.Ordinal);
    }

    private static string Query(string address, string name) => Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(new Uri(address).Query)[name].ToString();

    private static JsonObject Trust(string principal, string externalId) => JsonNode.Parse(
        $$$$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["{{{{principal}}}}"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"{{{{externalId}}}}"}}}]}""")!.AsObject();

    private AwsEndpoints SignedBy(Func<CancellationToken, Task<string>> token, string role = Role) =>
        _aws.Endpoints.SignedBy(Credentials(new AwsIdentity(null, null, [new(role, SessionName: "nightly")]) { WebToken = token }));

    private AwsCredentials Credentials(AwsIdentity identity) => new(identity, _aws.Endpoints, _known, _time, _log.For<AwsCredentials>());

    private async Task<string> CallerAsync(AwsCredentials credentials)
    {
        using var sts = Sts(credentials.Credentials!);
        return (await sts.GetCallerIdentityAsync(new(), Cancellation)).Arn;
    }

    private AmazonSecurityTokenServiceClient Sts(AWSCredentials credentials)
    {
        var config = new AmazonSecurityTokenServiceConfig();
        _aws.Endpoints.Configure(config, "STS", region: null);
        return new(credentials, config);
    }

    private Task<string> CountedToken(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _tokens);
        return Task.FromResult(Token());
    }

    private string Token(params (string Name, JsonNode? Value)[] others) => _issuer.Issue(Claims(others));

    private JsonObject Claims(params (string Name, JsonNode? Value)[] others)
    {
        var claims = new JsonObject { ["aud"] = Audience, ["sub"] = Subject, ["exp"] = _time.GetUtcNow().AddMinutes(5).ToUnixTimeSeconds() };
        foreach (var (name, value) in others)
        {
            claims[name] = value;
        }

        return claims;
    }

    /// <summary>Azure, as far as it is asked here.</summary>
    private sealed class Identity(Func<string> token) : TokenCredential
    {
        public List<string> Scopes { get; } = [];

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            Scopes.AddRange(requestContext.Scopes);
            return ValueTask.FromResult(new AccessToken(token(), DateTimeOffset.MaxValue));
        }
    }
}
