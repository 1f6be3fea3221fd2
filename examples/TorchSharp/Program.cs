using Loadline.Examples;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

// gpt2-loader WAY CHECKPOINT: loads GPT-2 medium in one of TorchSharp's own ways, or by one of Loadline's strategies, and runs it once.
var (way, path) = (args[0], args[1]);
using var scope = torch.NewDisposeScope();
using var model = way switch
{
    "Module.load" => Own.ModuleLoad(path),
    "load_state_dict" => Own.LoadStateDict(path),
    _ when StrategyCatalog.TryFind(way, out var strategy) => Ours(path, strategy.Name),
    _ => throw new ArgumentException($"'{way}' is no way to load: choose Module.load, load_state_dict, {string.Join(", ", StrategyCatalog.All.Select(s => s.Name))}"),
};

// Every layer is computed once: a mapped model that nobody uses proves nothing.
using var noGrad = torch.no_grad();
using var logits = model.forward(torch.tensor(new long[,] { { 1, 2, 3 } }));
Console.WriteLine($"{way}: {model.state_dict().Count} tensors, logits {string.Join(" × ", logits.shape)}, the first is {logits[0, 0, 0].item<float>():0.000000}");

static Gpt2 Ours(string path, string strategy)
{
    var model = Gpt2.Medium();
    model.LoadWeights(path, strategy);
    return model;
}
