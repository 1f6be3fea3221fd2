using Loadline.Strategies;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;

namespace Loadline.Unit.Tensors.Engines;

/// <summary>An engine that nobody knows is an error wherever one is named.</summary>
public class EngineNamesTests
{
    [Fact]
    public void An_unknown_engine_is_refused_with_the_names_of_those_there_are()
    {
        const string message = "there is no engine 'jax': choose native, libtorch, torchsharp";

        FluentActions.Invoking(() => Engine.Create("jax")).Should().Throw<ArgumentException>().WithMessage(message);
        FluentActions.Invoking(() => WorkerMemory.Of("jax")).Should().Throw<ArgumentException>().WithMessage(message);
        FluentActions.Invoking(() => Loader.Load("nowhere.pth", new LoadOptions { Engine = "jax" })).Should().Throw<ArgumentException>().WithMessage(message);
    }

    [Fact]
    public void Each_engine_has_memory_of_its_own() =>
        EngineNames.All.Select(WorkerMemory.Of).Should().OnlyHaveUniqueItems();
}
