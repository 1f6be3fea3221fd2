using System.Text.Json;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Budgets;

/// <summary>What is wrong with a JSON file, without what the framework says to programmers.</summary>
internal static class JsonFileProblem
{
    /// <summary>"FILE:LINE: is not valid JSON: …".</summary>
    public static string Of(string path, JsonException e, string what) => $"{path}:{(e.LineNumber ?? 0) + 1}: {what}: {JsonProblem.Words(e.Message)}";
}
