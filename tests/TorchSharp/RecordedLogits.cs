using System.Text.Json;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>What PyTorch computes of the fixtures on [[1, 2, 3]].</summary>
internal static class RecordedLogits
{
    public static void ShouldBe(torch.Tensor logits)
    {
        using var recorded = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("gpt2-tiny.logits.json")));
        var expected = recorded.RootElement.GetProperty("logits")[0].EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(v => v.GetSingle());
        using var flat = logits.detach().contiguous();
        flat.data<float>().ToArray().Should().Equal(expected, (one, other) => MathF.Abs(one - other) < 1e-4f);
    }
}
