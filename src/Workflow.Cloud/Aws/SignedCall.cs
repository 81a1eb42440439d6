using System.Net;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Transform;

namespace Workflow.Cloud.Aws;

/// <summary>One call as it goes over the wire: a POST to the service's root.</summary>
internal sealed class SignedCall(AwsService service, string operation, byte[] body, IReadOnlyDictionary<string, string> headers)
    : AmazonWebServiceRequest, IMarshaller<IRequest, AmazonWebServiceRequest>
{
    public string Operation => operation;

    public IRequest Marshall(AmazonWebServiceRequest input)
    {
        var request = new DefaultRequest(this, $"Amazon.{service.Name}") { HttpMethod = "POST", ResourcePath = "/", Content = body };
        foreach (var (name, value) in headers)
        {
            request.Headers[name] = value;
        }

        return request;
    }
}

internal sealed class SignedAnswer : AmazonWebServiceResponse
{
    public byte[] Body { get; init; } = [];
}

/// <summary>Takes the body as it is; what it means is for the protocol's client to say.</summary>
internal sealed class SignedAnswerReader(Func<byte[], IWebResponseData, ErrorResponse> readError) : JsonResponseUnmarshaller
{
    public override AmazonWebServiceResponse Unmarshall(JsonUnmarshallerContext input) => new SignedAnswer { Body = Read(input) };

    public override AmazonServiceException UnmarshallException(JsonUnmarshallerContext input, Exception innerException, HttpStatusCode statusCode)
    {
        var error = readError(Read(input), input.ResponseData);
        return new AmazonServiceException(error.Message, innerException, error.Type, error.Code, error.RequestId, statusCode);
    }

    private static byte[] Read(JsonUnmarshallerContext input)
    {
        using var body = new MemoryStream();
        input.Stream.CopyTo(body);
        return body.ToArray();
    }
}
