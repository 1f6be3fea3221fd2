using Loadline.Examples;
using Loadline.Measuring;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.PyBridge;

namespace Loadline.Worker.TorchSharp;

/// <summary>
/// Loads GPT-2 as TorchSharp's users do without Loadline, and runs a forward: <c>own WAY MODEL CHECKPOINT [DEVICE]</c>. Nothing reports from inside: it is watched as
/// any other program is.
/// </summary>
internal static class OwnWays
{
    /// <summary>The first argument.</summary>
    public const string Command = "own";

    private static readonly Dictionary<string, Func<string, string, Gpt2>> Ways = new()
    {
        // TorchSharp's own format, which Loadline writes as dat.
        ["Module.load"] = (model, path) => Into(model, gpt2 => gpt2.load(path)),
        ["load_state_dict"] = LoadStateDict,
        ["load_py"] = (model, path) => Into(model, gpt2 => gpt2.load_py(path)),
        ["load_safetensors"] = (model, path) => Into(model, gpt2 => gpt2.load_safetensors(path)),
    };

    private static readonly Dictionary<string, (int Width, int Heads, int Layers)> Models = new()
    {
        ["gpt2-small"] = (768, 12, 12),
        ["gpt2-medium"] = (1024, 16, 24),
    };

    public static int Run(string[] arguments)
    {
        if (arguments is not [var way, var name, var path, .. { Length: <= 1 } device] || !Ways.TryGetValue(way, out var load) || !Models.ContainsKey(name))
        {
            Console.Error.WriteLine($"write own WAY MODEL CHECKPOINT [DEVICE]: ways are {string.Join(", ", Ways.Keys)}; models are {string.Join(", ", Models.Keys)}");
            return ExitCodes.Refused;
        }

        using var noGrad = torch.no_grad();
        using var model = load(name, path);
        var target = torch.device(device is [var named] ? named : "cpu");
        model.to(target);
        using var logits = model.forward(torch.tensor(new long[,] { { 1, 2, 3 } }, device: target));
        Console.WriteLine($"{way}: {model.state_dict().Count} tensors, logits {string.Join(" × ", logits.shape)}, the first is {logits[0, 0, 0].item<float>():0.000000}");
        return ExitCodes.Loaded;
    }

    private static Gpt2 LoadStateDict(string name, string path)
    {
        using var source = Into(name, gpt2 => gpt2.load(path));
        return Into(name, gpt2 => gpt2.load_state_dict(source.state_dict()));
    }

    private static Gpt2 Into(string name, Action<Gpt2> load)
    {
        const int vocabulary = 50257, context = 1024;
        var (width, heads, layers) = Models[name];
        var model = new Gpt2(vocabulary, context, width, heads, layers);
        foreach (var (child, module) in model.named_children())
        {
            if (module is Embedding embedding) embedding.weight = new Parameter(torch.randn(child == "tok_emb" ? vocabulary : context, width));
        }

        load(model);
        return model;
    }
}
