using Microsoft.AspNetCore.Http;

namespace Workflow.Cloud.Local;

/// <summary>Half an answer, or none where it is empty.</summary>
internal sealed class CutResult(IResult whole) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var (body, kept) = (httpContext.Response.Body, new MemoryStream());
        httpContext.Response.Body = kept;
        await whole.ExecuteAsync(httpContext);
        httpContext.Response.Body = body;
        if (kept.Length == 0)
        {
            httpContext.Abort();
            return;
        }

        httpContext.Response.ContentLength = kept.Length;
        await body.WriteAsync(kept.GetBuffer().AsMemory(0, (int)kept.Length / 2));
        await body.FlushAsync();
        httpContext.Abort();
    }
}
